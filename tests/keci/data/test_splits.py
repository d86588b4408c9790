import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset, GoldDocument
from keci.data.splits import split_validation
from keci.documents import Extraction
from keci.errors import DataError
from keci.schema import ADE, BIORELEX
from tests.keci.data.annotations import shared_file


def dataset(keys):
    documents = (
        GoldDocument(Extraction(str(place), ""), (), key) for place, key in enumerate(keys)
    )
    return GoldDataset(ADE, tuple(documents))


def ids(part):
    return [document.id for document in part.documents]


@given(
    keys=st.lists(st.text(max_size=3), min_size=2, max_size=30).filter(lambda k: len(set(k)) > 1),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
    shuffle=st.randoms(),
)
def test_a_split_parts_keys_whatever_the_order(keys, fraction, seed, shuffle):
    train, validation = split_validation(dataset(keys), fraction=fraction, seed=seed)
    train_keys = {document.split_key for document in train.documents}
    validation_keys = {document.split_key for document in validation.documents}
    assert train_keys
    assert validation_keys
    assert not train_keys & validation_keys
    assert sorted(ids(train) + ids(validation)) == sorted(map(str, range(len(keys))))
    shuffled = shuffle.sample(keys, len(keys))
    again = split_validation(dataset(shuffled), fraction=fraction, seed=seed)[1]
    assert {document.split_key for document in again.documents} == validation_keys


def test_the_share_is_met_and_the_seed_matters():
    keys = [f"k{number}" for number in range(200)]
    first = split_validation(dataset(keys), seed=1)[1]
    assert len(first.documents) == 20
    assert ids(first) != ids(split_validation(dataset(keys), seed=2)[1])


def test_the_split_is_the_same_on_every_machine():
    # d and g have the lowest sha256 of "1:d" and "1:g", by sha256sum(1).
    validation = split_validation(dataset("abcdefgh"), fraction=0.25, seed=1)[1]
    assert [document.split_key for document in validation.documents] == ["d", "g"]


def test_what_cannot_be_split_is_told():
    with pytest.raises(DataError, match="at least two documents of different keys, got 1"):
        split_validation(dataset(["a", "a"]), seed=1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_validation(dataset(["a", "b"]), fraction=1.0, seed=1)


def test_biorelex_papers_stay_together():
    whole = load_dataset(shared_file("biorelex/train.json"), BIORELEX)
    train, validation = split_validation(whole, seed=1)
    assert len(train.documents) + len(validation.documents) == 1405
    papers = [{document.split_key for document in part.documents} for part in (train, validation)]
    assert [len(part) for part in papers] == [1247, 139]
    assert not papers[0] & papers[1]
