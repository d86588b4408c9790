"""Concept mentions are found in whole documents and handed to their sentences."""

from concurrent.futures import Future
from pathlib import Path
from typing import cast

from keci.batch import PreparedText
from keci.corpus.extraction import CorpusExtractor
from keci.corpus.records import Cursor, Record
from keci.documents import Document, Extraction
from keci.prediction import Pending, Predictor, Reading
from keci.runtime.extractor import RuntimeOptions, open_extractor
from tests.tiny import tiny_knowledge_base


class Listener:
    """A predictor that remembers the texts it was asked about and finds nothing in them."""

    workers = 0

    def __init__(self, predictor: Predictor) -> None:
        self.builder = predictor.builder
        self.schema = predictor.schema
        self.texts: list[PreparedText] = []

    def begin(self, texts: list[PreparedText]) -> Pending:
        self.texts += texts
        found: Future[list[Reading]] = Future()
        found.set_result([(Extraction(t.document.id, t.document.text),) for t in texts])
        return Pending([range(len(texts))], [found])


def linked(bundle: Path, text: str) -> list[tuple[str, list[str]]]:
    """Sentences with the texts of the concept mentions that the batch builder was given."""
    predictor = open_extractor(bundle, tiny_knowledge_base(), RuntimeOptions()).predictor
    listener = Listener(predictor)
    extractor = CorpusExtractor(cast(Predictor, listener), unit="sentence")
    list(extractor([Record("test", 1, Document("d", text), Cursor())]))
    return [
        (
            prepared.document.text,
            [prepared.document.text[m.start : m.end] for m in prepared.concept_mentions],
        )
        for prepared in listener.texts
    ]


def test_an_abbreviation_is_understood_in_later_sentences(tiny_bundle: Path) -> None:
    found = linked(tiny_bundle, "The abc kinase (AK) was studied here. Mice without AK felt pain.")
    assert [sentence for sentence, _ in found] == [
        "The abc kinase (AK) was studied here.",
        "Mice without AK felt pain.",
    ]
    assert "AK" in found[1][1]
    assert "pain" in found[1][1]


def test_without_the_explanation_it_is_not(tiny_bundle: Path) -> None:
    ((_, mentions),) = linked(tiny_bundle, "Mice without AK felt pain.")
    assert mentions == ["pain"]
