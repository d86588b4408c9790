"""Adaptation of an encoder: tags, masked pieces, names; stopping and resuming."""

import gzip
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from click.testing import CliRunner
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from keci.errors import BundleError, DataError, KeciError, UsageError
from keci.text.tokens import TextTokenizer
from keci.training.adaptation import STATE_FILE, Adaptation, synonym_loss
from keci.training.adaptation_settings import AdaptationSettings
from keci.training.checkpoint import read_tensors, write_tensors
from keci.training.tagged_texts import (
    IGNORED,
    batches_of_similar_length,
    mask_batch,
    read_tagged_corpora,
)
from tests.tiny import tiny_knowledge_base

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("aspirin", "caused", "a", "rash", "severe", "pain", "##s", "heart", "the")
VOCABULARY = {piece: index for index, piece in enumerate((*SPECIAL, *WORDS))}
LINES = (
    {"text": "aspirin caused a severe rash", "entities": [
        {"start": 0, "end": 7, "type": "Drug"}, {"start": 17, "end": 28, "type": "Effect"},
        {"start": 24, "end": 28, "type": "Effect"}]},
    {"text": "the pains", "entities": [{"start": 4, "end": 9, "type": "Effect"}]},
)  # fmt: skip


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(WordPiece(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, VOCABULARY[name]) for name in SPECIAL[2:4]]
    )
    return tokenizer


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "tiny"
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=_tokenizer(), unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]",
    ).save_pretrained(folder)  # fmt: skip
    return folder


@pytest.fixture
def corpora(tmp_path: Path) -> list[Path]:
    tagged, plain = tmp_path / "tagged.jsonl.gz", tmp_path / "plain.jsonl"
    with gzip.open(tagged, "wb") as lines:
        lines.write(b"\n".join(map(orjson.dumps, LINES)))
    plain.write_bytes(orjson.dumps({"text": "a severe pain"}) + b"\n")
    return [tagged, plain]


def test_tags_are_begin_and_inside_of_the_longest_mention(corpora: list[Path]) -> None:
    found = read_tagged_corpora(corpora, TextTokenizer(_tokenizer()), most_pieces=64)
    assert found.tag_counts == (5, 1)
    first, second, third = found.texts
    assert first.tags.tolist() == [IGNORED, 1, 0, 0, 3, 4, IGNORED]
    assert second.tags.tolist() == [IGNORED, 0, 3, 4, IGNORED]  # pain ##s
    assert set(third.tags.tolist()) == {IGNORED}


def test_long_texts_are_cut_into_rows_that_hold_every_piece(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(orjson.dumps({"text": "the rash " * 30}))
    tokenizer = TextTokenizer(_tokenizer())
    found = read_tagged_corpora([path], tokenizer, most_pieces=16)
    pieces = [piece for text in found.texts for piece in text.piece_ids.tolist()[1:-1]]
    assert pieces == tokenizer(["the rash " * 30])[0].piece_ids.tolist()
    assert max(len(text.piece_ids) for text in found.texts) == 16


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[1]", "expected an object"),
        ("{", "expected an object with text"),
        ('{"text": 5}', "text must be text"),
        ('{"text": "a", "entities": 5}', "entities"),
        ('{"text": "a", "entities": ["a"]}', r"entities\[1\]: expected an object"),
        ('{"text": "a", "entities": [{"start": 0, "end": 1}]}', "the field type is missing"),
        ('{"text": "a", "entities": [{"start": 0, "end": 2, "type": "T"}]}', "within the text"),
        ('{"text": "a", "entities": [{"start": 1, "end": 1, "type": "T"}]}', "above start"),
        ('{"text": "a", "entities": [{"start": -1, "end": 1, "type": "T"}]}', "start must be"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f'{{"text": "a"}}\n{line}\n')
    with pytest.raises(DataError, match=f"line 2.*{told}"):
        read_tagged_corpora([path], TextTokenizer(_tokenizer()), most_pieces=8)


def test_masked_pieces_are_inner_ones_and_their_originals_are_kept(corpora: list[Path]) -> None:
    texts = read_tagged_corpora(corpora, TextTokenizer(_tokenizer()), most_pieces=64).texts
    batch = mask_batch(
        texts, pad_id=0, mask_id=4, vocabulary=len(VOCABULARY), share=0.5,
        generator=np.random.default_rng(3),
    )  # fmt: skip
    restored = batch.input_ids.copy().reshape(-1)
    restored[batch.masked] = batch.originals
    for row, text in zip(restored.reshape(batch.input_ids.shape), texts, strict=True):
        assert row[: len(text.piece_ids)].tolist() == text.piece_ids.tolist()
    assert len(batch.masked)
    assert set(batch.originals.tolist()).isdisjoint({0, 2, 3})


def test_every_text_is_in_one_batch_within_the_budget() -> None:
    lengths = np.array([3, 9, 4, 4, 30, 1])
    batches = batches_of_similar_length(lengths, 20, np.random.default_rng(0))
    assert sorted(index for batch in batches for index in batch) == list(range(6))
    assert all(len(b) == 1 or len(b) * max(lengths[b]) <= 20 for b in batches)


def test_names_of_one_concept_come_close() -> None:
    states = torch.eye(4)
    assert synonym_loss(states, states) < 0.01
    assert synonym_loss(states, states.roll(1, 0)) > 5


def test_adaptation_learns_and_resumes_to_the_same_weights(
    encoder: Path, corpora: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keci.training.adaptation._SAVED_EVERY", 2)
    settings = AdaptationSettings(
        encoder=str(encoder), steps=6, piece_budget=16, synonym_pairs=2, learning_rate=1e-2
    )
    base = tiny_knowledge_base()
    whole = Adaptation(settings, corpora, tmp_path / "whole", base=base)
    first = whole._train_step(0, [0, 1])
    for step in range(1, 30):
        last = whole._train_step(0 * step, [0, 1])
    assert last["tags"] < first["tags"] / 2

    undisturbed = Adaptation(settings, corpora, tmp_path / "one", base=base).run(resume=False)
    stopped = Adaptation(settings, corpora, tmp_path / "two", base=base)
    monkeypatch.setattr(stopped, "_train_step", _stops_after(stopped, 4))
    with pytest.raises(KeyboardInterrupt):
        stopped.run(resume=False)
    resumed = Adaptation(settings, corpora, tmp_path / "two", base=base).run(resume=True)
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert (undisturbed / name).read_bytes() == (resumed / name).read_bytes()


def _stops_after(adaptation: Adaptation, steps: int) -> object:
    train = adaptation._train_step

    def train_step(step: int, indices: list[int]) -> dict[str, float]:
        if step == steps:
            raise KeyboardInterrupt
        return train(step, indices)

    return train_step


def test_resuming_with_other_settings_is_refused(
    encoder: Path, corpora: list[Path], tmp_path: Path
) -> None:
    settings = AdaptationSettings(encoder=str(encoder), steps=2, synonym_pairs=0)
    one = Adaptation(settings, corpora, tmp_path / "run", base=None)
    (tmp_path / "run").mkdir()
    one._train_step(0, [0])
    one._save(1)
    other = AdaptationSettings(encoder=str(encoder), steps=3, synonym_pairs=0)
    with pytest.raises(UsageError, match="other settings"):
        Adaptation(other, corpora, tmp_path / "run", base=None).run(resume=True)


def test_a_state_that_was_changed_is_refused(
    encoder: Path, corpora: list[Path], tmp_path: Path
) -> None:
    settings = AdaptationSettings(encoder=str(encoder), steps=2, synonym_pairs=0)
    folder = tmp_path / "run"
    folder.mkdir()
    one = Adaptation(settings, corpora, folder, base=None)
    one._train_step(0, [0])
    one._save(1)
    state, (weights,) = folder / STATE_FILE, folder.glob("adaptation-*.safetensors")
    sound = orjson.loads(state.read_bytes()), read_tensors(weights)
    for change, message in (
        ({"step": "../x"}, "step must be"), ({"step": None}, "step must be"),
        ({"step": 7}, "cannot be read"), ({"step": 10**15}, "cannot be read"),
    ):  # fmt: skip
        state.write_bytes(orjson.dumps(sound[0] | change))
        with pytest.raises(KeciError, match=message):
            one.run(resume=True)
    state.write_bytes(orjson.dumps(sound[0]))
    name = next(name for name in sound[1] if name.startswith("model:"))
    write_tensors(weights, sound[1] | {name: torch.zeros(2, 3, 4)})
    with pytest.raises(BundleError, match="has other weights"):
        one.run(resume=True)
    moment = next(name for name in sound[1] if name.startswith("exp_avg:"))
    write_tensors(weights, sound[1] | {moment: torch.zeros(2, 3, 4)})
    with pytest.raises(BundleError, match="another shape"):
        one.run(resume=True)
    weights.write_bytes(b"half of a file")
    with pytest.raises(BundleError, match="cannot be read"):
        one.run(resume=True)


def test_the_command_leaves_an_encoder_that_training_takes(
    encoder: Path, corpora: list[Path], tmp_path: Path
) -> None:
    from keci.cli.train.train import main
    from keci.model.encoder import load_encoder

    arguments = ["encoder", "--no-kb", "--steps", "1", "--encoder", str(encoder)]
    arguments += ["--output", str(tmp_path / "out")]
    for path in corpora:
        arguments += ["--texts", str(path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    transformer, _ = load_encoder(str(tmp_path / "out" / "encoder"))
    assert transformer.config.hidden_size == 16
