from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

pytest.importorskip("transformers")

from keci.model import text_vectors
from keci.model.text_vectors import MeanTextEncoder
from tests.tiny import tiny_tokenizer
from tests.tiny_network import MAX_PIECES, save_tiny_encoder

TEXTS = ("rash after abc", "", "pain", "drug with pain after rash", "pain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    save_tiny_encoder(folder)
    return folder


def plain_mean(folder: Path, pieces: list[list[int]]) -> npt.NDArray[np.float32]:
    """The unit vector of the mean state of all pieces, one window after the other."""
    transformer = save_tiny_encoder(folder).eval()
    with torch.no_grad():
        states = [transformer(input_ids=torch.tensor([ids])).last_hidden_state[0] for ids in pieces]
    mean = torch.cat(states).mean(0)
    unit: npt.NDArray[np.float32] = (mean / mean.norm()).numpy()
    return unit


def test_a_text_is_the_mean_of_its_states(folder: Path) -> None:
    vectors = MeanTextEncoder(str(folder)).encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 16)
    for text, vector in zip(TEXTS, vectors, strict=True):
        ids = tiny_tokenizer().encode(text).ids
        np.testing.assert_allclose(vector, plain_mean(folder, [ids]), atol=1e-5)


def test_batches_do_not_change_vectors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = MeanTextEncoder(str(folder)).encode(TEXTS)
    monkeypatch.setattr(text_vectors, "_TOKEN_BUDGET", 8)
    np.testing.assert_allclose(MeanTextEncoder(str(folder)).encode(TEXTS), whole, atol=1e-5)


def test_all_of_a_long_text_counts(folder: Path) -> None:
    text = "rash " * MAX_PIECES + "pain"
    ids = tiny_tokenizer().encode(text, add_special_tokens=False).ids
    first, last = (tiny_tokenizer().encode("").ids[place] for place in (0, 1))
    room = MAX_PIECES - 2
    windows = [[first, *ids[start : start + room], last] for start in range(0, len(ids), room)]
    assert len(windows) == 2
    vector = MeanTextEncoder(str(folder)).encode([text])[0]
    np.testing.assert_allclose(vector, plain_mean(folder, windows), atol=1e-5)


def test_no_texts_give_no_vectors(folder: Path) -> None:
    assert MeanTextEncoder(str(folder)).encode([]).shape == (0, 16)


def test_the_digest_names_weights_and_vocabulary(folder: Path, tmp_path: Path) -> None:
    first = MeanTextEncoder(str(folder))
    assert MeanTextEncoder(str(folder)).digest == first.digest
    transformer = save_tiny_encoder(tmp_path)
    with torch.no_grad():
        next(transformer.parameters())[0] += 1
    transformer.save_pretrained(tmp_path)
    assert MeanTextEncoder(str(tmp_path)).digest != first.digest
