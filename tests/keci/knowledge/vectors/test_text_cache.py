import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keci.errors import DataError
from keci.knowledge.vectors.text_cache import TextVectorCache, text_keys


def vectors_of(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.float32]:
    return np.stack([keys % 97, keys % 89], axis=1).astype(np.float32)


@settings(deadline=None)
@given(st.lists(st.text(max_size=5), unique=True, min_size=1), st.data())
def test_what_was_appended_is_found(texts: list[str], data: st.DataObject) -> None:
    keys = text_keys(texts)
    with tempfile.TemporaryDirectory() as folder:
        cache = TextVectorCache(Path(folder), 2)
        assert cache.find(keys).tolist() == [-1] * len(keys)
        cut = data.draw(st.integers(0, len(texts)))
        for part in (keys[:cut], keys[cut:]):
            cache.append(part, vectors_of(part))
        for opened in (cache, TextVectorCache(Path(folder), 2)):
            assert len(opened) == len(keys)
            np.testing.assert_array_equal(opened.read(opened.find(keys)), vectors_of(keys))


def test_vectors_that_lost_their_keys_are_written_again(tmp_path: Path) -> None:
    first, second = text_keys(["a"]), text_keys(["b", "c"])
    cache = TextVectorCache(tmp_path, 2)
    cache.append(first, vectors_of(first))
    with (tmp_path / "vectors.bin").open("ab") as stream:
        stream.write(b"left behind")
    with (tmp_path / "keys.bin").open("ab") as stream:
        stream.write(b"half")
    reopened = TextVectorCache(tmp_path, 2)
    assert reopened.find(second).tolist() == [-1, -1]
    reopened.append(second, vectors_of(second))
    again = TextVectorCache(tmp_path, 2)
    keys = np.concatenate((second, first))
    np.testing.assert_array_equal(again.read(again.find(keys)), vectors_of(keys))


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    first, second = TextVectorCache(tmp_path, 2), TextVectorCache(tmp_path, 2)
    keys = text_keys(["a", "b"])
    first.append(keys[:1], vectors_of(keys[:1]))
    with pytest.raises(DataError, match="another process"):
        second.append(keys[1:], vectors_of(keys[1:]))
    assert TextVectorCache(tmp_path, 2).find(keys).tolist() == [0, -1]
