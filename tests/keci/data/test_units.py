import pytest

from keci.data.gold import GoldDataset, GoldDocument
from keci.data.units import training_units
from keci.documents import Extraction
from keci.schema import ADE

ONE, TWO = "Rash came after penicillin.", "Rash came after penicillin. It went away in May."


def dataset(texts: int, sentences: int) -> GoldDataset:
    wanted = [TWO] * texts + [ONE] * sentences
    documents = [Extraction(str(number), text) for number, text in enumerate(wanted)]
    return GoldDataset(ADE, tuple(GoldDocument(item, (), item.id) for item in documents))


@pytest.mark.parametrize(
    ("training", "validation", "units"),
    [
        ((0, 10), (0, 3), ("sentence",)),
        ((1, 99), (0, 3), ("sentence",)),
        ((10, 90), (0, 3), ("sentence",)),
        ((40, 60), (0, 3), ("sentence", "document")),
        ((10, 0), (3, 0), ("document",)),
        ((10, 10), (3, 0), ("document", "sentence")),
    ],
)
def test_units_are_what_the_documents_are(
    training: tuple[int, int], validation: tuple[int, int], units: tuple[str, ...]
) -> None:
    assert training_units(dataset(*training), dataset(*validation)) == units
