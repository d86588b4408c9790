import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from keci.config import TrainConfig
from keci.data.gold import GoldDataset, GoldDocument, entity_interactions
from keci.evaluation import evaluate
from keci.knowledge.base.vocabulary import TYPE_NAMES
from keci.training import trainer as trainer_module
from keci.training.checkpoint import BEST_FILE, State, save_state
from keci.training.trainer import (
    METRICS_FILE,
    EpochMetrics,
    Trainer,
    TrainingData,
    epoch_batches,
)
from tests.keci.training.sentences import annotated_sentences
from tests.tiny import CONFIG, SCHEMA, knowledge_config, tiny_builder, tiny_knowledge_base
from tests.tiny_network import tiny_network

MODEL = knowledge_config(
    replace(CONFIG, span_width=24, hidden_width=24, dropout=0.1), tiny_knowledge_base()
)
TRAIN = TrainConfig(
    epochs=4,
    batch_size=2,
    encoder_learning_rate=5e-3,
    upper_learning_rate=1e-2,
    precision="fp32",
)


class KilledError(Exception):
    """The process died."""


def new_trainer(folder: Path, config: TrainConfig, *, seed: int = 1) -> Trainer:
    folder.mkdir(exist_ok=True)
    return Trainer(
        tiny_network(MODEL, seed=seed),
        tiny_builder(MODEL, tiny_knowledge_base()),
        SCHEMA,
        config=config,
        folder=folder,
        show_progress=False,
    )


def training_data() -> TrainingData:
    gold = annotated_sentences()
    builder = tiny_builder(MODEL, tiny_knowledge_base())
    texts = builder.prepare([extraction.document for extraction in gold])
    documents = tuple(GoldDocument(item, entity_interactions(item), item.id) for item in gold)
    return TrainingData(texts, gold, GoldDataset(SCHEMA, documents), texts)


def train(
    folder: Path, config: TrainConfig = TRAIN, *, seed: int = 1, resume: bool = False
) -> State:
    return new_trainer(folder, config, seed=seed).fit(training_data(), resume=resume)


def last_tensors(folder: Path) -> dict[str, Tensor]:
    (path,) = folder.glob("last-*.safetensors")
    return load_file(path)


def assert_same_bits(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def metrics(folder: Path) -> list[dict[str, str]]:
    with (folder / METRICS_FILE).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "uninterrupted"
    train(folder)
    return folder


def test_a_tiny_model_learns_its_sentences(tmp_path: Path) -> None:
    config = replace(TRAIN, epochs=40)
    state = train(tmp_path / "run", config)
    rows = metrics(tmp_path / "run")
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"]) / 4
    best = rows[state.best_epoch - 1]
    assert float(best["entity_f1"]) > 80
    assert float(best["relation_f1"]) > 50


def test_a_seed_reproduces_the_weights(tmp_path: Path, uninterrupted: Path) -> None:
    train(tmp_path / "again")
    assert_same_bits(last_tensors(tmp_path / "again"), last_tensors(uninterrupted))
    assert metrics(tmp_path / "again") == metrics(uninterrupted)


def test_another_seed_gives_other_weights(tmp_path: Path, uninterrupted: Path) -> None:
    train(tmp_path / "other", replace(TRAIN, seed=2))
    name = "weight:spans.stages.span_scorer.start_part.weight"
    ours = last_tensors(tmp_path / "other")[name]
    assert not torch.equal(ours, last_tensors(uninterrupted)[name])


@pytest.mark.parametrize("epoch", [1, 2, 3])
@pytest.mark.parametrize("saved", [True, False], ids=["after saving", "before saving"])
def test_a_killed_run_resumes_exactly(
    tmp_path: Path,
    uninterrupted: Path,
    monkeypatch: pytest.MonkeyPatch,
    epoch: int,
    saved: bool,
) -> None:
    def save_and_die(*arguments: object) -> None:
        state = next(item for item in arguments if isinstance(item, State))
        if state.epoch < epoch or saved:
            save_state(*arguments)  # type: ignore[arg-type]
        if state.epoch == epoch:
            raise KilledError

    folder = tmp_path / "killed"
    with monkeypatch.context() as patches:
        patches.setattr(trainer_module, "save_state", save_and_die)
        with pytest.raises(KilledError):
            train(folder)
    torch.manual_seed(12345)
    state = train(folder, seed=99 if saved or epoch > 1 else 1, resume=True)
    assert state.epoch == TRAIN.epochs
    assert_same_bits(last_tensors(folder), last_tensors(uninterrupted))
    assert_same_bits(load_file(folder / BEST_FILE), load_file(uninterrupted / BEST_FILE))
    assert metrics(folder) == metrics(uninterrupted)


def test_the_best_epoch_is_the_first_of_the_highest_validation_score(tmp_path: Path) -> None:
    run = new_trainer(tmp_path / "run", TRAIN)
    state = State()
    for epoch, score in enumerate((10.0, 30.0, 20.0, 30.0), start=1):
        metrics_of_epoch = EpochMetrics(epoch, 1.0, score, 0.0, 0.0, 0.0)
        state = run._record(state, metrics_of_epoch)
    assert state == State(epoch=4, best_epoch=2, best_score=30.0)


def test_the_best_weights_are_those_of_the_best_epoch(uninterrupted: Path, tmp_path: Path) -> None:
    rows = metrics(uninterrupted)
    scores = [float(row["entity_f1"]) + float(row["relation_f1"]) for row in rows]
    best_epoch = 1 + scores.index(max(scores))
    network = tiny_network(MODEL, seed=5)
    network.load_state_dict(load_file(uninterrupted / BEST_FILE))
    run = new_trainer(tmp_path / "run", TRAIN)
    run.network = network
    data = training_data()
    found = evaluate(data.validation, run._predict(data.validation_texts))
    assert found.entity.f1 == float(rows[best_epoch - 1]["entity_f1"])
    assert found.relation.f1 == float(rows[best_epoch - 1]["relation_f1"])


def test_patience_ends_a_run(tmp_path: Path) -> None:
    still = replace(TRAIN, epochs=9, patience=2, encoder_learning_rate=0.0, upper_learning_rate=0.0)
    state = train(tmp_path / "run", still)
    assert (state.epoch, state.best_epoch) == (3, 1)


def test_an_entity_only_epoch_leaves_the_relation_scorer_alone(tmp_path: Path) -> None:
    before = tiny_network(MODEL).state_dict()["spans.stages.pair_scorer.output.2.weight"]
    config = replace(TRAIN, epochs=1, entity_only_epochs=1, final_weight=0.0, weight_decay=0.0)
    train(tmp_path / "run", config)
    after = last_tensors(tmp_path / "run")["weight:spans.stages.pair_scorer.output.2.weight"]
    assert torch.equal(before, after)


def test_a_finished_run_resumes_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    first = train(folder)
    tensors = last_tensors(folder)
    assert train(folder, seed=3, resume=True) == first
    assert_same_bits(last_tensors(folder), tensors)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_either_precision_resumes_exactly(tmp_path: Path, precision: str) -> None:
    config = replace(TRAIN, epochs=3, precision=precision)
    train(tmp_path / "whole", config)
    first = new_trainer(tmp_path / "parts", config)
    data = training_data()
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(first, "_patience_ended", lambda state: state.epoch >= 1)
        assert first.fit(data, resume=False).epoch == 1
    train(tmp_path / "parts", config, seed=4, resume=True)
    assert_same_bits(last_tensors(tmp_path / "parts"), last_tensors(tmp_path / "whole"))


def test_bf16_changes_the_encoder_only_a_little(tmp_path: Path) -> None:
    losses = []
    for precision in ("bf16", "fp32"):
        train(tmp_path / precision, replace(TRAIN, epochs=1, precision=precision))
        losses.append(float(metrics(tmp_path / precision)[0]["loss"]))
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=90),
    batch_size=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_an_epoch_sees_every_text_once_in_batches_of_one_size(
    lengths: list[int], batch_size: int, seed: int
) -> None:
    torch.manual_seed(seed)
    batches = epoch_batches(torch.tensor(lengths, dtype=torch.int64), batch_size)
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert sum(len(batch) != batch_size for batch in batches) <= 1
    torch.manual_seed(seed)
    assert epoch_batches(torch.tensor(lengths, dtype=torch.int64), batch_size) == batches


def test_the_texts_of_a_batch_are_of_similar_length() -> None:
    torch.manual_seed(1)
    lengths = torch.arange(64)
    spread = [
        int(lengths[batch].max() - lengths[batch].min()) for batch in epoch_batches(lengths, 4)
    ]
    assert max(spread) == 3


def test_each_epoch_leaves_a_report(uninterrupted: Path) -> None:
    report = (uninterrupted / "report.html").read_text("utf-8")
    validation = json.loads((uninterrupted / "validation.json").read_text("utf-8"))
    assert "4 epochs, running" in report
    gold = [{(m.start, m.end, m.type) for m in g.mentions} for g in annotated_sentences()]
    assert validation["entities"]["scores"][-1]["gold"] == sum(map(len, gold))
    attention = validation["attention"]
    assert attention is None or {row["code"] for row in attention["types"]} <= {*TYPE_NAMES}


AVERAGING = replace(TRAIN, weight_average=0.9, none_prior=0.9, relation_unit="concepts")


def test_a_run_that_averages_resumes_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_and_die(*arguments: object) -> None:
        save_state(*arguments)  # type: ignore[arg-type]
        raise KilledError

    train(tmp_path / "whole", AVERAGING)
    with monkeypatch.context() as patches:
        patches.setattr(trainer_module, "save_state", save_and_die)
        with pytest.raises(KilledError):
            train(tmp_path / "killed", AVERAGING)
    train(tmp_path / "killed", AVERAGING, seed=99, resume=True)
    one, other = last_tensors(tmp_path / "killed"), last_tensors(tmp_path / "whole")
    assert_same_bits(one, other)
    assert_same_bits(
        load_file(tmp_path / "killed" / BEST_FILE), load_file(tmp_path / "whole" / BEST_FILE)
    )
    best = load_file(tmp_path / "whole" / BEST_FILE)
    name = "spans.stages.span_scorer.start_part.weight"
    assert not torch.equal(best[name], other[f"weight:{name}"])


def test_scorers_start_with_the_prior_of_none(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path / "run", replace(TRAIN, none_prior=0.99))
    stages = trainer.network.spans.stages
    for layer in (
        stages["span_scorer"].classifier[-1],
        stages["pair_scorer"].output[-1],
        stages["final_span_scorer"].classifier[-1],
        stages["final_pair_scorer"].pairs.output[-1],
    ):
        assert float(layer.bias.detach().softmax(0)[0]) == pytest.approx(0.99)
