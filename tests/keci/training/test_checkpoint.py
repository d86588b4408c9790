from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from keci.config import ModelConfig, TrainConfig
from keci.errors import BundleError
from keci.model.encoder import save_architecture
from keci.training.checkpoint import (
    BEST_FILE,
    ENCODER_FOLDER,
    RUN_FILE,
    RunSettings,
    load_run,
    load_weights,
    write_json,
    write_tensors,
)
from tests.strategies import schemas
from tests.tiny import CONFIG, SCHEMA, documents, tiny_builder, tiny_tokenizer
from tests.tiny_network import MAX_PIECES, tiny_network

SETTINGS = RunSettings(
    "minilm", SCHEMA, CONFIG, TrainConfig(), {"name": "kb", "fingerprint": "f"}, {"train": "t.json"}
)


def saved_run(folder: Path) -> None:
    network = tiny_network(CONFIG)
    SETTINGS.write(folder)
    tokenizer = tiny_tokenizer().to_str()
    save_architecture(network.encoder.transformer, tokenizer, folder / ENCODER_FOLDER)
    write_tensors(folder / BEST_FILE, network.state_dict())


def test_settings_round_trip(tmp_path: Path) -> None:
    SETTINGS.write(tmp_path)
    assert RunSettings.read(tmp_path) == SETTINGS


@given(schemas(), st.floats(0, 1))
def test_any_settings_round_trip(
    tmp_path_factory: pytest.TempPathFactory, schema: object, rate: float
) -> None:
    folder = tmp_path_factory.mktemp("run")
    train = replace(TrainConfig(), upper_learning_rate=rate)
    settings = replace(SETTINGS, schema=schema, train=train, model=ModelConfig())
    settings.write(folder)
    assert RunSettings.read(folder) == settings


def test_a_folder_without_settings_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"run\.json is missing"):
        RunSettings.read(tmp_path)


@pytest.mark.parametrize("content", [b'{"format": 99}', b"{}", b"{", b"[]", b'{"format": 1}'])
def test_settings_of_another_format_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RUN_FILE).write_bytes(content)
    with pytest.raises(BundleError, match=r"run\.json"):
        RunSettings.read(tmp_path)


def test_a_run_is_loaded_in_evaluation_mode(tmp_path: Path) -> None:
    saved_run(tmp_path)
    run = load_run(tmp_path)
    expected = tiny_network(CONFIG).state_dict()
    assert run.settings == SETTINGS
    assert run.max_pieces == MAX_PIECES
    assert not any(module.training for module in run.network.modules())
    assert all(torch.equal(run.network.state_dict()[name], expected[name]) for name in expected)
    assert run.tokenizer.count_pieces("rash abc") == 4


def test_a_loaded_run_gives_the_scores_of_the_saved_one(tmp_path: Path) -> None:
    saved_run(tmp_path)
    builder = tiny_builder(CONFIG, None)
    arrays = builder.build(builder.prepare(documents("rash after abc"))).arrays
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    with torch.no_grad():
        one, other = tiny_network(CONFIG)(tensors), load_run(tmp_path).network(tensors)
    assert torch.equal(one["final_entity_logits"], other["final_entity_logits"])


@pytest.mark.parametrize("name", [BEST_FILE, f"{ENCODER_FOLDER}/config.json"])
def test_a_run_that_lacks_a_file_is_refused(tmp_path: Path, name: str) -> None:
    saved_run(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BundleError):
        load_run(tmp_path)


def test_weights_of_another_shape_or_name_are_refused(tmp_path: Path) -> None:
    network = tiny_network(CONFIG)
    weights = network.state_dict()
    path = tmp_path / "weights.safetensors"
    for change in ({"extra": torch.zeros(1)}, {"encoder.layer_scores": torch.zeros(9)}):
        write_tensors(path, {**weights, **change})
        with pytest.raises(BundleError, match=r"weights\.safetensors"):
            load_weights(network, path)
    write_tensors(path, {"encoder.layer_scores": torch.zeros(3)})
    with pytest.raises(BundleError, match="Missing"):
        load_weights(network, path)


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert orjson.loads(path.read_bytes()) == {"a": 1}
    write_tensors(tmp_path / "w.safetensors", {"turned": torch.arange(6.0).view(2, 3).T})
    assert sorted(item.name for item in tmp_path.iterdir()) == ["record.json", "w.safetensors"]
