"""What benchmarks.peers prepares, measures and reads back."""

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pytest
import torch

from benchmarks.peers.measure import Command, Files, Usage, rate, run
from benchmarks.peers.relex import Thresholds, choose
from benchmarks.peers.relex_program import extraction as relex_record
from benchmarks.peers.relex_program import words_of
from benchmarks.peers.sentences import SOME, Sentence, prepare, read, write_encoder
from benchmarks.peers.spert import Spert, extraction
from benchmarks.peers.table import kept, measured
from examples.ade_data.__main__ import split_ade
from keci.data.datasets import load_dataset
from keci.documents import Extraction, Mention, Relation
from keci.errors import DataError
from keci.model.stored_weights import store_weights
from keci.schema import load_schema

SENTENCES = 300


def ade_record(number: int) -> dict[str, object]:
    """A sentence of SpERT's format with one effect and one drug."""
    return {
        "tokens": ["Drug", "-", f"x{number}", "caused", "rash", "."],
        "entities": [
            {"type": "Adverse-Effect", "start": 4, "end": 5},
            {"type": "Drug", "start": 0, "end": 3},
        ],
        "relations": [{"type": "Adverse-Effect", "head": 0, "tail": 1}],
        "orig_id": number,
    }


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    folder = tmp_path / "stored"
    folder.mkdir()
    weights = {
        "table": torch.arange(64 * 128, dtype=torch.float32).view(64, 128),
        "bias": torch.ones(3),
    }
    store_weights(weights, folder / "weights.safetensors", in_8_bits=True)
    vocabulary = {"model": {"vocab": {"b": 1, "[PAD]": 0, "##c": 2}}}
    (folder / "tokenizer.json").write_bytes(orjson.dumps(vocabulary))
    for name in ("config.json", "tokenizer_config.json"):
        (folder / name).write_text("{}", "utf-8")
    return folder


@pytest.fixture
def prepared(tmp_path: Path, encoder: Path) -> Path:
    ade = tmp_path / "ade.json"
    ade.write_bytes(orjson.dumps([ade_record(number) for number in range(SENTENCES)]))
    folder = tmp_path / "peers"
    prepare(ade, encoder, folder)
    return folder


def test_the_parts_are_those_of_keci_train(prepared: Path, tmp_path: Path) -> None:
    training, validation = split_ade(tmp_path / "ade.json")
    for name, part in (("train", training), ("validation", validation)):
        written = load_dataset(prepared / f"{name}.json", load_schema("ade")).documents
        assert [item.extraction for item in written] == part
    sentences = read(prepared / "validation.jsonl")
    assert [(item.id, item.text) for item in sentences] == [(x.id, x.text) for x in validation]
    assert sentences[0].tokens == sentences[0].text.split(" ")
    assert read(prepared / "some.jsonl") == sentences[:SOME]


def test_written_sentences_are_cut_at_marks(prepared: Path) -> None:
    for sentence in read(prepared / "polarity.jsonl"):
        assert "".join(sentence.tokens) == re.sub(r"\s", "", sentence.text)
        assert not any(re.search(r"\w\W|\W\w", token) for token in sentence.tokens)


def test_an_encoder_is_widened_its_vocabulary_in_order(encoder: Path, tmp_path: Path) -> None:
    write_encoder(encoder, tmp_path / "wide")
    weights = torch.load(tmp_path / "wide" / "pytorch_model.bin")
    assert weights["table"].dtype == torch.float32
    assert (weights["table"] - torch.arange(64 * 128).view(64, 128)).abs().max() < 40
    assert (tmp_path / "wide" / "vocab.txt").read_text("utf-8").split() == ["[PAD]", "b", "##c"]


SENTENCE = Sentence.of("s", "Abc caused a severe rash.", re.compile(r"\w+|[^\w\s]"))


def test_spans_of_words_become_characters() -> None:
    record: dict[str, list[dict[str, object]]] = {
        "entities": [
            {"type": "Drug", "start": 0, "end": 1},
            {"type": "Adverse-Effect", "start": 3, "end": 5},
        ],
        "relations": [{"type": "Adverse-Effect", "head": 1, "tail": 0}],
    }
    found = extraction(SENTENCE, record)
    assert [mention.text for mention in found.mentions] == ["Abc", "severe rash"]
    assert [(item.head, item.tail, item.score) for item in found.relations] == [("T2", "T1", 1.0)]
    assert Extraction.from_record(found.to_record()) == found


def test_spert_is_trained_with_its_defaults(tmp_path: Path) -> None:
    command = Spert(tmp_path / "code", Path("python"), tmp_path).training(20)
    settings = (tmp_path / "spert-train.conf").read_text("utf-8")
    assert command.folder == tmp_path / "code"
    assert "epochs = 20\n" in settings
    assert not re.search(r"^(lr|train_batch_size|neg_\w+|prop_drop|max_span_size) ", settings, re.M)


def test_untrained_spert_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path / "sentences.jsonl", tmp_path / "out")
    files.sentences.write_bytes(b"")
    with pytest.raises(DataError, match="no trained SpERT"):
        Spert(tmp_path, Path("python"), tmp_path).prediction(files)


def test_words_of_gliner_are_its_own() -> None:
    def split(text: str) -> list[tuple[str, int, int]]:
        found = re.finditer(r"\w+(?:[-_]\w+)*|\S", text)
        return [(match.group(), *match.span()) for match in found]

    words = words_of(
        ade_record(7) | {"tokens": ["Drug-", "1.5", "x7", "caused", "rash", "."]}, split
    )
    assert words == {
        "tokenized_text": ["Drug", "-", "1", ".", "5", "x7", "caused", "rash", "."],
        "ner": [[7, 7, "Adverse-Effect"], [0, 5, "Drug"]],
        "relations": [[0, 1, "Adverse-Effect"]],
    }


def scored(entity: float, relation: float) -> Extraction:
    mentions = (
        Mention("T1", 0, 3, "Abc", "Drug", 0.9),
        Mention("T2", 20, 24, "rash", "Adverse-Effect", entity),
    )
    relations = (Relation("R1", "T2", "T1", "Adverse-Effect", relation),)
    return Extraction("s", SENTENCE.text, mentions, relations)


def test_a_relation_falls_with_an_end() -> None:
    found = Thresholds(0.5, 0.3).asserted(scored(0.6, 0.4))
    assert (len(found.mentions), len(found.relations), found.relations[0].score) == (2, 1, 1.0)
    assert not Thresholds(0.5, 0.5).asserted(scored(0.6, 0.4)).relations
    fallen = Thresholds(0.7, 0.3).asserted(scored(0.6, 0.4))
    assert (len(fallen.mentions), len(fallen.relations)) == (1, 0)


def test_thresholds_are_those_of_the_best_scores() -> None:
    from keci.data.datasets import gold_dataset

    gold = gold_dataset([scored(1.0, 1.0)], load_schema("ade"))
    wrong = Mention("T3", 4, 10, "caused", "Drug", 0.3)
    known = scored(0.4, 0.2)
    found = Extraction("s", SENTENCE.text, (*known.mentions, wrong), known.relations)
    chosen = choose(gold, [found])
    assert 0.3 < chosen.entity <= 0.4
    assert chosen.relation <= 0.2


def test_gliners_answers_become_records() -> None:
    found = [
        {"start": 0, "end": 3, "text": "Abc", "label": "Drug", "score": 0.9},
        {"start": 20, "end": 24, "text": "rash", "label": "Adverse-Effect", "score": 0.6},
    ]
    related = [
        {
            "head": {"entity_idx": 1},
            "tail": {"entity_idx": 0},
            "relation": "Adverse-Effect",
            "score": 0.4,
        }
    ]
    record = relex_record({"id": "s", "text": SENTENCE.text}, found, related)
    assert Extraction.from_record(record) == scored(0.6, 0.4)


def test_processor_time_and_memory_are_those_of_the_command(tmp_path: Path) -> None:
    idle = run(Command((sys.executable, "-c", "import time; time.sleep(1)")), tmp_path / "log")
    busy_program = "block = b'x' * 300_000_000; print(sum(range(30_000_000)))"
    busy = run(Command((sys.executable, "-c", busy_program)), tmp_path / "log")
    assert idle.seconds < busy.seconds
    assert idle.peak < 100
    assert busy.peak - idle.peak > 250
    assert rate(Usage(3.0, 1.0), Usage(1.0, 1.0), 50) == 25
    assert rate(Usage(1.0, 1.0), Usage(1.1, 1.0), 50) is None


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ended with 3"):
        run(Command((sys.executable, "-c", "raise SystemExit(3)")), tmp_path / "log")


@dataclass(frozen=True)
class Oracle:
    """Answers as annotated."""

    name: str = "An oracle"

    def prediction(self, files: Files) -> Command:
        return Command((sys.executable, "-c", "", files.sentences))

    def extractions(self, files: Files) -> list[Extraction]:
        return [
            extraction(sentence, ade_record(0))
            if len(sentence.words) == 6
            else Extraction(sentence.id, sentence.text)
            for sentence in read(files.sentences)
        ]


def test_an_oracle_scores_a_hundred_and_asserts_nothing_else(prepared: Path) -> None:
    gold = load_dataset(prepared / "validation.json", load_schema("ade"))
    row = measured(Oracle(), gold, prepared)
    assert (row.entity[2], row.relation[2], row.wrong, row.found) == (100, 100, 0, 0)
    assert (row.sentences, row.real) == (200, 103)
    assert kept(Oracle(), prepared) == row
    assert kept(Oracle("Another"), prepared) is None
    assert row.cells()[:2] == ("An oracle", "100.00 (100.0 / 100.0)")
    assert replace(row, rate=None).cells()[3] == "too fast to tell"
    assert replace(row, rate=24.6).cells()[3] == "25"
