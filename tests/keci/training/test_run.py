import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from keci.config import VARIANTS, ModelConfig, TrainConfig
from keci.errors import DataError, KnowledgeBaseError, UsageError
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vocabularies import Knowledge
from keci.training.checkpoint import BEST_FILE, RunSettings, State, load_run
from keci.training.experiment import VALIDATION_IDS_FILE
from keci.training.run import RunInputs, train_run, variant_config
from tests.keci.data.annotations import write_jsonl
from tests.keci.knowledge.vector_tables import written_base, written_table
from tests.keci.training.sentences import annotated_sentences
from tests.tiny import CONFIG, SCHEMA, knowledge_config, tiny_knowledge_base
from tests.tiny_network import save_tiny_encoder

BASE = tiny_knowledge_base()
MODEL = CONFIG
TRAIN = TrainConfig(epochs=2, batch_size=2, validation_share=0.3, precision="fp32")


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    save_tiny_encoder(folder)
    return folder


@pytest.fixture
def inputs(tmp_path: Path, encoder_folder: Path) -> RunInputs:
    records = [sentence.to_record() for sentence in annotated_sentences()]
    empty = {"id": "s7", "text": " ", "entities": [], "relations": []}
    return RunInputs(
        schema=SCHEMA,
        train=write_jsonl(tmp_path / "train.jsonl", [*records, empty]),
        validation=None,
        encoder=str(encoder_folder),
        base=BASE,
        output=tmp_path / "run",
    )


def run(
    inputs: RunInputs,
    config: TrainConfig = TRAIN,
    *,
    model: ModelConfig = MODEL,
    resume: bool = False,
) -> State:
    return train_run(inputs, model, config, resume=resume, show_progress=False).state


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_every_variant_trains_and_loads_again(inputs: RunInputs, variant: str) -> None:
    base = None if VARIANTS[variant].get("knowledge") == "none" else BASE
    state = run(replace(inputs, base=base), replace(TRAIN, variant=variant))
    assert state.epoch == 2
    loaded = load_run(inputs.output)
    assert loaded.settings.model == variant_config(MODEL, variant, base)
    assert loaded.settings.train.variant == variant
    assert loaded.settings.encoder == inputs.encoder


def test_the_vocabularies_are_those_of_the_knowledge_base(inputs: RunInputs) -> None:
    run(inputs)
    settings = RunSettings.read(inputs.output)
    assert settings.model == knowledge_config(CONFIG, BASE)
    assert settings.knowledge_base == {"name": BASE.name, "fingerprint": BASE.fingerprint}


def test_the_schema_tells_the_semantic_types_of_the_training_documents(inputs: RunInputs) -> None:
    records = [
        sentence.to_record() | {"id": f"{sentence.id}-{copy}"}
        for copy in range(20)
        for sentence in annotated_sentences()
    ]
    write_jsonl(inputs.train, records)
    run(inputs, replace(TRAIN, epochs=1))
    shares = load_run(inputs.output).settings.schema.semantic_types
    assert set(shares) <= {*SCHEMA.entity_types}
    assert shares["drug"]["T109"] > 0.5
    assert "T033" not in shares["drug"]
    assert shares["effect"]["T033"] > 0.5


def test_the_validation_documents_are_listed_and_not_trained_on(inputs: RunInputs) -> None:
    run(inputs)
    ids = (inputs.output / VALIDATION_IDS_FILE).read_text("utf-8").split()
    assert len(ids) == 2
    assert {*ids} <= {f"s{number}" for number in range(1, 8)}


def test_a_validation_file_leaves_the_training_file_whole(
    inputs: RunInputs, tmp_path: Path
) -> None:
    record = annotated_sentences()[0].to_record() | {"id": "v1"}
    validation = write_jsonl(tmp_path / "validation.jsonl", [record])
    run(replace(inputs, validation=validation))
    assert (inputs.output / VALIDATION_IDS_FILE).read_text("utf-8") == "v1\n"


def test_a_run_is_the_same_again(inputs: RunInputs, tmp_path: Path) -> None:
    torch.manual_seed(1)
    run(inputs)
    torch.manual_seed(2)
    again = replace(inputs, output=tmp_path / "again")
    run(again)
    one, other = (load_file(place.output / BEST_FILE) for place in (inputs, again))
    assert all(torch.equal(one[name], other[name]) for name in one)
    one_metrics, other_metrics = (
        (place.output / "metrics.csv").read_bytes() for place in (inputs, again)
    )
    assert one_metrics == other_metrics


def test_a_variant_with_knowledge_needs_a_base(inputs: RunInputs) -> None:
    with pytest.raises(UsageError, match="--kb"):
        run(replace(inputs, base=None))


def test_a_folder_that_holds_a_run_is_not_overwritten(inputs: RunInputs) -> None:
    run(inputs)
    with pytest.raises(UsageError, match="--resume"):
        run(inputs)


def test_what_comes_before_the_first_epoch_is_told(
    inputs: RunInputs, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "keci"):
        run(inputs)
    told = [message.split(" /")[0] for message in caplog.messages]
    first, second = (
        told.index("loading the encoder"),
        told.index("linking and tokenising the texts"),
    )
    assert first < second


def test_a_finished_run_can_be_resumed(inputs: RunInputs) -> None:
    assert run(inputs) == run(inputs, resume=True)


def test_resuming_nothing_starts_anew(inputs: RunInputs) -> None:
    assert run(inputs, resume=True).epoch == 2


@pytest.mark.parametrize(
    ("config", "model", "named"),
    [
        (replace(TRAIN, seed=7), MODEL, "train"),
        (replace(TRAIN, epochs=9), MODEL, "train"),
        (TRAIN, replace(MODEL, span_width=9), "model"),
        (replace(TRAIN, variant="no-span-gcn"), MODEL, "span_gcn_layers"),
    ],
)
def test_a_run_is_resumed_with_its_own_settings_only(
    inputs: RunInputs, config: TrainConfig, model: ModelConfig, named: str
) -> None:
    run(inputs)
    before = (inputs.output / "run.json").read_bytes()
    with pytest.raises(UsageError, match=named):
        run(inputs, config, model=model, resume=True)
    assert (inputs.output / "run.json").read_bytes() == before


def test_too_little_data_is_named(inputs: RunInputs) -> None:
    record = annotated_sentences()[0].to_record()
    with pytest.raises(DataError):
        run(replace(inputs, train=write_jsonl(inputs.train, [record])))


def test_training_documents_without_words_are_refused(inputs: RunInputs) -> None:
    records = [{"id": f"e{number}", "text": " "} for number in range(9)]
    with pytest.raises(DataError, match="candidate span"):
        run(replace(inputs, train=write_jsonl(inputs.train, records)))


def add_vectors(base: KnowledgeBase, name: str, *, kind: str, width: int) -> None:
    """A table beside a knowledge base in which every concept has a vector."""
    assert base.folder
    written_table(
        base.folder,
        base,
        np.ones((len(base), width), dtype=np.float32),
        concept_rows=np.arange(len(base), dtype=np.int32),
        type_rows=np.full(len(base.type_codes), -1, dtype=np.int32),
        name=name,
        kind=kind,
    )


def test_a_run_reads_the_vectors_of_its_knowledge_base(inputs: RunInputs, tmp_path: Path) -> None:
    base = written_base(tmp_path / "kb")
    add_vectors(base, "pretrained", kind="relations", width=3)
    add_vectors(base, "sentences", kind="definitions", width=2)
    run(replace(inputs, base=base))
    model = load_run(inputs.output).settings.model
    assert model.vector_spaces == ("relations:pretrained", "definitions:sentences")
    assert model.vector_width == 5
    tables = Knowledge(base, model).tables
    assert [table.is_absent for table in tables] == [False, False]


@pytest.mark.parametrize(
    ("variant", "names", "spaces"),
    [
        ("no-vectors", None, ("definitions:sentences",)),
        ("no-definitions", None, ("relations:pretrained",)),
        ("full", ("sentences",), ("definitions:sentences",)),
        ("full", (), ()),
    ],
)
def test_vectors_are_chosen_by_kind_and_name(
    tmp_path: Path, variant: str, names: tuple[str, ...] | None, spaces: tuple[str, ...]
) -> None:
    base = written_base(tmp_path / "kb")
    add_vectors(base, "pretrained", kind="relations", width=3)
    add_vectors(base, "sentences", kind="definitions", width=2)
    model = variant_config(ModelConfig(), variant, base, vectors=names)
    assert model.vector_spaces == spaces


def test_vectors_that_are_not_there_are_refused(tmp_path: Path) -> None:
    base = written_base(tmp_path / "kb")
    with pytest.raises(KnowledgeBaseError, match="no vectors called 'absent'"):
        variant_config(ModelConfig(), "full", base, vectors=("absent",))


def test_a_run_is_not_resumed_on_other_data(inputs: RunInputs) -> None:
    run(inputs)
    inputs.train.write_bytes(inputs.train.read_bytes().replace(b'"s7"', b'"s8"'))
    with pytest.raises(UsageError, match="train_sha256"):
        run(inputs, resume=True)
