"""A model that imitates another one: soft targets, their loss, and a run with a teacher."""

import functools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from keci.config import TrainConfig
from keci.errors import BundleError, UsageError
from keci.export.exporter import export_run
from keci.model.encoder_names import MINILM
from keci.prediction import to_tensors
from keci.training import experiment as experiment_module
from keci.training.checkpoint import (
    BEST_FILE,
    LoadedRun,
    load_run,
    read_json,
    read_tensors,
    write_tensors,
)
from keci.training.crossval import Plan, run_series
from keci.training.folds import open_folds
from keci.training.lessons import Lessons
from keci.training.loss import imitation_loss, imitation_weights
from keci.training.run import RunInputs, train_run
from keci.training.run_data import Protocol
from keci.training.targets import UNKNOWN
from keci.training.teachers import SoftTargets, Teachers
from keci.training.trained import load_trained
from keci.training.trainer import EpochMetrics
from tests.keci.data.annotations import write_jsonl
from tests.keci.training.sentences import annotated_sentences
from tests.keci.training.tiny_series import TRAIN, gold_file, single_split, tiny_experiment
from tests.tiny import (
    CONFIG,
    SCHEMA,
    documents,
    knowledge_config,
    tiny_builder,
    tiny_knowledge_base,
)
from tests.tiny_network import save_tiny_encoder
from tests.tiny_run import write_tiny_run

CPU = torch.device("cpu")
PLAIN = torch.autocast("cpu", enabled=False)
OPEN = functools.partial(load_trained, encoder=MINILM)


def test_a_pair_is_found_by_its_spans() -> None:
    taught = SoftTargets(torch.zeros(5, 3), torch.tensor([3, 14]), torch.eye(3)[:2])
    known, said = taught.of_pairs(
        torch.tensor([0, 2, 3, 4]), torch.tensor([0, 1, 1]), torch.tensor([2, 0, 3])
    )
    assert known.tolist() == [True, False, True]
    assert torch.equal(said, torch.eye(3)[:2])


def test_a_teacher_counts_wholly_by_share_or_not_where_it_contradicts() -> None:
    said = SoftTargets(torch.eye(3)[[1, 1, 0]], torch.zeros(0), torch.zeros(0, 3))
    labels = torch.tensor([1, 2, UNKNOWN])
    config = TrainConfig(teacher_weight=0.25)
    assert imitation_weights(labels, said, config).tolist() == [0.25, 0.25, 1.0]
    strict = replace(config, agreeing_teachers=True)
    assert imitation_weights(labels, said, strict).tolist() == [0.25, 0.0, 1.0]


def test_without_pairs_none_is_known() -> None:
    taught = SoftTargets(torch.zeros(5, 3), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 3))
    known, said = taught.of_pairs(*(torch.tensor([0]) for _ in range(3)))
    assert not known.any()
    assert said.shape == (0, 3)


def test_the_loss_is_the_cross_entropy_written_out() -> None:
    torch.manual_seed(1)
    tensors = {
        "kept_spans": torch.tensor([0, 2]),
        "kept_splits": torch.tensor([0, 2]),
        "pair_heads": torch.tensor([0, 1]),
        "pair_tails": torch.tensor([1, 0]),
        "entity_logits": torch.randn(3, 2),
        "relation_logits": torch.randn(2, 2),
        "final_entity_logits": torch.randn(2, 2),
        "final_relation_logits": torch.randn(2, 2),
    }
    wanted = torch.tensor([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]])
    taught = SoftTargets(wanted, torch.tensor([2]), torch.tensor([[0.3, 0.7]]))
    weights = torch.tensor([1.0, 0.5, 0.25])
    loss = imitation_loss(
        tensors, taught, TrainConfig(final_weight=2), span_weights=weights, with_relations=True
    )

    def entropy(name: str, row: int, said: torch.Tensor) -> float:
        return -float((said * tensors[name][row].log_softmax(0)).sum())

    pair = torch.tensor([0.3, 0.7])
    expected = sum(float(weights[i]) * entropy("entity_logits", i, wanted[i]) for i in range(3))
    expected += entropy("relation_logits", 0, pair)
    expected += 2 * entropy("final_entity_logits", 0, wanted[0])
    expected += 2 * 0.25 * entropy("final_entity_logits", 1, wanted[2])
    expected += 2 * entropy("final_relation_logits", 0, pair)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_what_a_teacher_says_is_what_its_network_computes(tmp_path: Path) -> None:
    run = write_tiny_run(tmp_path / "teacher")
    base = tiny_knowledge_base()
    config = knowledge_config(CONFIG, base)
    builder = tiny_builder(config, base)
    texts = builder.prepare(documents("rash after abc kinase", "pain with abcillin"))
    taught = Teachers([str(run)], SCHEMA, base, CPU, load=OPEN).targets(texts, PLAIN)
    known = load_run(run).network(to_tensors(builder.build(texts), CPU))
    kept = known["kept_spans"]
    torch.testing.assert_close(taught.entities[kept], known["final_entity_logits"].softmax(1))
    found, said = taught.of_pairs(kept, known["pair_heads"], known["pair_tails"])
    assert found.all()
    torch.testing.assert_close(said, known["final_relation_logits"].softmax(1))
    twice = Teachers([str(run), str(run)], SCHEMA, base, CPU, load=OPEN)
    doubled = twice.targets(texts, PLAIN)
    torch.testing.assert_close(doubled.relations, taught.relations)


def test_a_teacher_of_another_task_or_of_other_spans_is_refused(tmp_path: Path) -> None:
    run = write_tiny_run(tmp_path / "teacher")
    base = tiny_knowledge_base()
    other = replace(SCHEMA, relation_types=SCHEMA.relation_types[:1])
    with pytest.raises(UsageError, match="other types"):
        Teachers([str(run)], other, base, CPU, load=OPEN)
    shorter = replace(knowledge_config(CONFIG, base), max_span_pieces=2)
    texts = tiny_builder(shorter, base).prepare(documents("rash after abc kinase"))
    with pytest.raises(UsageError, match="other candidate spans"):
        Teachers([str(run)], SCHEMA, base, CPU, load=OPEN).targets(texts, PLAIN)


def test_a_pupil_learns_from_annotation_teacher_and_unlabelled_texts(tmp_path: Path) -> None:
    teacher = write_tiny_run(tmp_path / "teacher")
    base = tiny_knowledge_base()
    encoder = tmp_path / "encoder"
    save_tiny_encoder(encoder)
    train, unlabelled = tmp_path / "train.jsonl", tmp_path / "unlabelled.jsonl"
    write_jsonl(train, [sentence.to_record() for sentence in annotated_sentences()])
    unlabelled.write_text('{"id": "u1", "text": "pain after abcillin"}\n', "utf-8")
    inputs = RunInputs(
        SCHEMA, train, train, str(encoder), base, tmp_path / "run",
        lessons=Lessons(teachers=(str(teacher),), unlabelled=unlabelled),
    )  # fmt: skip
    config = TrainConfig(epochs=1, batch_size=4, precision="fp32")
    train_run(inputs, CONFIG, config, resume=False, show_progress=False)
    data = read_json(tmp_path / "run" / "run.json")["data"]
    assert (data["teachers"], data["unlabelled"]) == ("teacher", "unlabelled.jsonl")
    with pytest.raises(UsageError, match="give --teacher"):
        replace(inputs.lessons, teachers=())


def test_a_run_may_begin_with_the_weights_of_another(tmp_path: Path) -> None:
    first = write_tiny_run(tmp_path / "first")
    base = tiny_knowledge_base()
    encoder, train = tmp_path / "encoder", tmp_path / "train.jsonl"
    save_tiny_encoder(encoder)
    write_jsonl(train, [sentence.to_record() for sentence in annotated_sentences()])
    inputs = RunInputs(
        SCHEMA,
        train,
        train,
        str(encoder),
        base,
        tmp_path / "run",
        lessons=Lessons(start=str(first)),
    )
    still = TrainConfig(
        epochs=1, batch_size=4, precision="fp32", none_prior=0.9, weight_decay=0.0,
        encoder_learning_rate=0.0, upper_learning_rate=0.0,
    )  # fmt: skip
    train_run(inputs, CONFIG, still, resume=False, show_progress=False)
    before, after = (read_tensors(run / "best.safetensors") for run in (first, tmp_path / "run"))
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert read_json(tmp_path / "run" / "run.json")["data"]["start"] == "first"
    wider = replace(CONFIG, hidden_width=9)
    other = replace(inputs, output=tmp_path / "other")
    with pytest.raises(BundleError, match="does not hold the weights of this network"):
        train_run(other, wider, still, resume=False, show_progress=False)


def test_a_model_to_start_with_that_teaches_is_opened_once_and_not_started_with_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def load(model: str, *, encoder: str) -> LoadedRun:
        opened.append(Path(model).name)
        return load_trained(model, encoder=encoder)

    monkeypatch.setattr(experiment_module, "load_trained", load)
    model = str(write_tiny_run(tmp_path / "first"))
    experiment = tiny_experiment(tmp_path, Lessons(start=model, teachers=(model, model)))
    data = single_split(tmp_path)
    experiment.run(data, TRAIN, tmp_path / "whole", resume=False)
    assert opened == ["first"]

    def stop(metrics: EpochMetrics) -> None:
        raise KeyboardInterrupt

    alone = tiny_experiment(tmp_path, Lessons(start=model))
    opened.clear()
    with pytest.raises(KeyboardInterrupt):
        alone.run(data, TRAIN, tmp_path / "alone", resume=False, after_epoch=stop)
    assert opened == ["first"]
    alone.run(data, TRAIN, tmp_path / "alone", resume=True)
    assert opened == ["first"]
    alone.run(data, TRAIN, tmp_path / "unstopped", resume=False)
    stopped, unstopped = (tmp_path / run / BEST_FILE for run in ("alone", "unstopped"))
    assert stopped.read_bytes() == unstopped.read_bytes()


@pytest.mark.usefixtures("_one_registry")
def test_a_bundle_teaches_and_is_gone_on_from_like_the_run_that_it_was_made_of(
    tmp_path: Path,
) -> None:
    run, bundle = write_tiny_run(tmp_path / "run"), tmp_path / "bundle"
    encoder = tmp_path / "encoder"
    save_tiny_encoder(encoder)
    weights = read_tensors(run / BEST_FILE)
    noise = {name: 0.05 * torch.randn_like(tensor) for name, tensor in weights.items()}
    write_tensors(run / BEST_FILE, {name: weights[name] + noise[name] for name in weights})
    # Odds belong to the bundle: learnt from it and exported again they would count twice.
    export_run(run, bundle, ("fp32",), relation_odds=3.0)
    base = tiny_knowledge_base()
    texts = tiny_builder(knowledge_config(CONFIG, base), base).prepare(
        documents("rash after abc kinase", "pain")
    )
    load = functools.partial(load_trained, encoder=str(encoder))
    of_run, of_bundle = (
        Teachers([str(model)], SCHEMA, base, CPU, load=load).targets(texts, PLAIN)
        for model in (run, bundle)
    )
    torch.testing.assert_close(of_bundle.entities, of_run.entities, atol=1e-4, rtol=0)
    torch.testing.assert_close(of_bundle.relations, of_run.relations, atol=1e-4, rtol=0)
    with pytest.raises(UsageError, match="no bundle folder and no shipped model"):
        load_trained("nothing-of-this-name", encoder=str(encoder))
    save_tiny_encoder(tmp_path / "wide", width=32)
    with pytest.raises(UsageError, match="choose one alike with --encoder"):
        load_trained(str(bundle), encoder=str(tmp_path / "wide"))


def test_the_folds_of_a_series_have_the_same_lessons(tmp_path: Path) -> None:
    unlabelled = tmp_path / "unlabelled.jsonl"
    unlabelled.write_text('{"id": "u1", "text": "pain after abcillin"}\n', "utf-8")
    lessons = Lessons(teachers=(str(write_tiny_run(tmp_path / "teacher")),), unlabelled=unlabelled)
    experiment = tiny_experiment(tmp_path, lessons)
    folds = open_folds(gold_file(tmp_path), None, SCHEMA, folds=3)
    config = replace(TRAIN, epochs=1)
    run_series(
        experiment, Plan(3, (1,)), config, tmp_path / "series",
        read_data=lambda fold: folds.read(fold, config, protocol=Protocol.CLEAN),
        only_fold=None, resume=False,
    )  # fmt: skip
    settings = sorted((tmp_path / "series").rglob("run.json"))
    assert len(settings) == 3
    for path in settings:
        data = read_json(path)["data"]
        assert (data["teachers"], data["unlabelled"]) == ("teacher", "unlabelled.jsonl")
