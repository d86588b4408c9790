"""Documents of any length through a real tiny model: order, units, links, failures, waiting."""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from keci.batch import PreparedText
from keci.corpus.extraction import CorpusExtractor
from keci.corpus.records import Chunk, Cursor, Record, Result, Withdrawal, records_of
from keci.documents import Document, Extraction, Failure, Mention
from keci.filters import Filter
from keci.prediction import Pending, Predictor, Reading
from keci.runtime.extractor import RuntimeOptions, open_extractor
from tests.short_rows import with_short_rows
from tests.tiny import documents, tiny_knowledge_base


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


TEXTS = ("rash after abc.", "", "pain with rash and abc kinase. rash after drug.", "x y z", "abc")
BROKEN = "unreadable"


@pytest.fixture(scope="module")
def predictor(tiny_bundle: Path) -> Iterator[Predictor]:
    opened = open_extractor(tiny_bundle, tiny_knowledge_base(), RuntimeOptions(threads=1)).predictor
    yield opened
    opened.close()


def results(extractor: CorpusExtractor, *texts: str) -> list[Result]:
    return [
        result for chunk in extractor(records_of("test", documents(*texts))) for result in chunk
    ]


def found(mentions: Sequence[Mention]) -> list[tuple[int, int, str]]:
    return [(mention.start, mention.end, mention.type) for mention in mentions]


def test_each_record_has_its_result_in_order(predictor: Predictor) -> None:
    given = list(results(CorpusExtractor(predictor, unit="sentence"), *TEXTS * 3))
    assert [result.record.position for result in given] == list(range(1, 16))
    for result, text in zip(given, TEXTS * 3, strict=True):
        assert isinstance(result.outcome, Extraction)
        assert (result.outcome.id, result.outcome.text) == (f"d{result.record.position}", text)


def test_no_records_give_no_chunks(predictor: Predictor) -> None:
    assert list(CorpusExtractor(predictor, unit="sentence")([])) == []


@pytest.fixture(scope="module")
def short_rows(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    """Reads 64 word pieces in a row, and 256 at once."""
    bundle = with_short_rows(tiny_bundle, tmp_path_factory.mktemp("bundles") / "short", 66)
    opened = open_extractor(bundle, tiny_knowledge_base(), RuntimeOptions(threads=1)).predictor
    yield opened
    opened.close()


@pytest.mark.parametrize("repetitions", [1, 3, 10])
def test_a_document_is_read_as_in_training(short_rows: Predictor, repetitions: int) -> None:
    """Up to four rows of the encoder, as evaluation reads it."""
    text = " ".join([TEXTS[2]] * repetitions)
    builder = short_rows.builder
    pieces = builder.tokenizer.count_pieces(text)
    assert pieces < builder.most_tokens
    assert (pieces > builder.max_tokens) == (repetitions > 3)
    (expected,) = short_rows(documents(text))
    (result,) = results(CorpusExtractor(short_rows, unit="document"), text)
    assert isinstance(result.outcome, Extraction)
    assert found(result.outcome.mentions) == found(expected.mentions)
    assert len(result.outcome.relations) == len(expected.relations)


def test_a_longer_document_is_read_to_its_end(short_rows: Predictor) -> None:
    text = " ".join([TEXTS[2]] * 40)
    assert short_rows.builder.tokenizer.count_pieces(text) > short_rows.builder.most_tokens
    (result,) = results(CorpusExtractor(short_rows, unit="document"), text)
    assert isinstance(result.outcome, Extraction)
    assert result.outcome.mentions[0].start < 100
    assert result.outcome.mentions[-1].end > len(text) - 100


class Fragile:
    """A predictor that cannot read texts with a certain word."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.builder, self.schema = predictor.builder, predictor.schema
        self.workers = predictor.workers

    def begin(self, texts: list[PreparedText]) -> Pending:
        if any(BROKEN in text.document.text for text in texts):
            raise RuntimeError("too much")
        return self._predictor.begin(texts)


def test_a_document_that_cannot_be_read_fails_alone(predictor: Predictor) -> None:
    extractor = CorpusExtractor(cast(Predictor, Fragile(predictor)), unit="sentence")
    given = results(extractor, TEXTS[0], f"{BROKEN} rash", TEXTS[2])
    whole = results(CorpusExtractor(predictor, unit="sentence"), TEXTS[0], "-", TEXTS[2])
    for number in (0, 2):
        one, other = given[number].outcome, whole[number].outcome
        assert isinstance(one, Extraction)
        assert isinstance(other, Extraction)
        assert found(one.mentions) == found(other.mentions)
    failure = given[1].outcome
    assert isinstance(failure, Failure)
    assert (failure.source, failure.position, failure.id) == ("test", 2, "d2")
    assert failure.reason == "RuntimeError: too much"
    assert failure.excerpt.startswith(BROKEN)


def test_what_is_no_document_stays_what_it_is(predictor: Predictor) -> None:
    failure = Failure("test", 2, "f", "broken")
    withdrawal = Withdrawal("test", 3, "w", "deleted", "test")
    records = [*records_of("test", [*documents(TEXTS[0]), failure])]
    records.append(replace(records[1], position=3, content=withdrawal))
    (chunk,) = CorpusExtractor(predictor, unit="sentence")(records)
    assert isinstance(chunk[0].outcome, Extraction)
    assert [result.outcome for result in chunk[1:]] == [failure, withdrawal]
    assert [result.record for result in chunk] == records


def test_findings_are_filtered(predictor: Predictor) -> None:
    def scores(keep: Filter | None) -> list[float]:
        extractor = CorpusExtractor(predictor, unit="sentence", keep=keep)
        outcomes = [result.outcome for result in results(extractor, *TEXTS)]
        extractions = [outcome for outcome in outcomes if isinstance(outcome, Extraction)]
        return [m.score or 0.0 for each in extractions for m in each.mentions]

    everything = scores(None)
    limit = sorted(everything)[len(everything) // 2]
    assert scores(Filter(min_entity_score=limit)) == [each for each in everything if each >= limit]


class Busy:
    """A predictor with workers, whose readings of "slow" texts never end."""

    workers = 2

    def __init__(self, predictor: Predictor) -> None:
        self.builder, self.schema = predictor.builder, predictor.schema
        self.begun: list[Future[list[Reading]]] = []

    def begin(self, texts: list[PreparedText]) -> Pending:
        future: Future[list[Reading]] = Future()
        self.begun.append(future)
        if texts[0].document.text != "slow":
            future.set_result([(Extraction(t.document.id, t.document.text),) for t in texts])
        return Pending([range(len(texts))], [future])


def chunks_of(*texts: str) -> list[list[Record]]:
    return [[record] for record in records_of("test", documents(*texts))]


@pytest.mark.parametrize(("at_hand", "ahead"), [(True, 2), (False, 0)])
def test_chunks_are_read_ahead_where_they_are_at_hand(
    predictor: Predictor, at_hand: bool, ahead: int
) -> None:
    busy = Busy(predictor)
    extractor = CorpusExtractor(cast(Predictor, busy), unit="sentence")
    given = extractor.each(chunks_of(*["rash"] * 6), is_at_hand=lambda: at_hand)
    for number, chunk in enumerate(given, start=1):
        assert [result.record.position for result in chunk] == [number]
        assert len(busy.begun) == min(number + ahead, 6)
        assert extractor.records_waiting == len(busy.begun) - number


def test_who_stops_waits_for_nothing(predictor: Predictor) -> None:
    busy = Busy(predictor)
    extractor = CorpusExtractor(cast(Predictor, busy), unit="sentence")
    given = extractor.each(chunks_of("rash", "slow", "slow", "slow"))
    assert next(given)
    cast(Generator[Chunk, None, None], given).close()
    assert [future.cancelled() for future in busy.begun] == [False, True, True]
