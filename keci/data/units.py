"""What a training document is: a sentence, or a text of several."""

from keci.data.gold import GoldDataset
from keci.text.sentences import DOCUMENT, SENTENCE, UNITS, split_sentences

_SHARE_LEARNT = 0.11
"""A model knows the units that so large a share of its training documents were.

With a tenth of texts of two or three sentences the model ``ade`` found 130 relations in a hundred
abstracts sentence by sentence, and 3 in whole abstracts; with an eighth, of up to four sentences,
153 and 121 (``benchmarks.ade_on_biored``).
"""


def training_units(training: GoldDataset, validation: GoldDataset) -> tuple[str, ...]:
    """The units that a model learns to read; first what most validation documents are."""
    usual = DOCUMENT if _share_of_texts(validation) > 1 / 2 else SENTENCE
    texts = _share_of_texts(training)
    shares = {SENTENCE: 1 - texts, DOCUMENT: texts}
    others = (unit for unit in UNITS if unit != usual and shares[unit] >= _SHARE_LEARNT)
    return (usual, *others)


def _share_of_texts(dataset: GoldDataset) -> float:
    """The share of documents that have several sentences."""
    texts = [document.extraction.text for document in dataset.documents]
    return sum(len(split_sentences(text)) > 1 for text in texts) / max(len(texts), 1)
