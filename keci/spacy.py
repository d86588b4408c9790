"""KECI as a component of a spaCy pipeline (extra ``keci[spacy]``).

    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("keci", config={"model": "ade", "kb": "kb/open"})
    doc = nlp("Rash after amoxicillin.")
    doc.spans["keci"]                       # a span for each mention, nested ones too
    doc.spans["keci"][0]._.concepts         # its ConceptLinks, best first
    doc._.relations                         # SpanRelations: head, tail, type, score, assertion
    spacy.displacy.render(doc, style="span", options={"spans_key": "keci"})

spaCy finds the component by its entry point; importing this module registers it and the
extensions, so a program that only reads processed documents (``DocBin``) imports it, too. What was
found lies in ``doc.user_data`` as JSON: documents can be stored and sent to other processes.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch, raise_error

from keci.documents import Assertion, ConceptLink, Document, Extraction, Failure, Mention
from keci.errors import DataError
from keci.pipeline import Pipeline, load

SPANS_KEY = "keci"
_FINDINGS = "keci"
"""The entry of ``doc.user_data`` that holds an extraction's record, as JSON, without its text."""

ErrorHandler = Callable[[str, Any, list[Doc], Exception], object]


class SpanRelation(NamedTuple):
    """A relation between two spans of a document."""

    head: Span
    tail: Span
    type: str
    score: float | None
    assertion: Assertion


@Language.factory(
    "keci",
    assigns=["doc.spans", "doc._.relations", "span._.concepts"],
    default_config={
        "model": "biored",
        "kb": None,
        "precision": None,
        "device": "cpu",
        "threads": None,
        "unit": None,
        "vocabulary": None,
        "spans_key": SPANS_KEY,
    },
)
def make_component(
    nlp: Language,  # noqa: ARG001  # what spaCy hands to every factory
    name: str,
    model: str,
    kb: bool | str | None,
    precision: str | None,
    device: str,
    threads: int | None,
    unit: str | None,
    vocabulary: str | None,
    spans_key: str,
) -> "KeciComponent":
    """The component for a configuration, whose fields are the arguments of ``keci.load``.

    ``kb`` is a folder, None for the default one or False for none.
    """
    settings = {
        "name": model,
        "kb": False if kb is False else kb,
        "precision": precision,
        "device": device,
        "threads": threads,
        "unit": unit,
        "vocabulary": vocabulary,
    }
    return KeciComponent(name, settings, spans_key)


class KeciComponent:
    """Adds KECI's findings to documents; the model is opened with the first of them.

    Each process of ``nlp.pipe(..., n_process=2)`` opens the model itself and reads with one thread,
    whatever ``threads`` says.
    """

    def __init__(self, name: str, settings: Mapping[str, Any], spans_key: str = SPANS_KEY) -> None:
        self.name = name
        self.settings = dict(settings)
        self.spans_key = spans_key
        self._pipeline: tuple[int, Pipeline] | None = None
        self._error_handler: ErrorHandler = raise_error

    def __call__(self, doc: Doc) -> Doc:
        """The document with KECI's findings; a text that cannot be read goes to the handler."""
        for found in self.pipe([doc]):
            return found
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 256) -> Iterator[Doc]:
        """The documents in order, read ``batch_size`` at a time.

        One whose text cannot be read goes to the error handler, and is left out where that returns.
        """
        for docs in minibatch(stream, batch_size):
            texts = (Document(str(number), doc.text) for number, doc in enumerate(docs, start=1))
            for doc, found in zip(docs, self._opened().extract(texts), strict=True):
                if isinstance(found, Failure):
                    self._error_handler(self.name, self, [doc], DataError(found.reason))
                else:
                    yield annotated(doc, found, self.spans_key)

    def set_error_handler(self, error_handler: ErrorHandler) -> None:
        """What ``nlp.set_error_handler`` calls."""
        self._error_handler = error_handler

    def close(self) -> None:
        """End the model's threads; the next document opens it again."""
        if self._pipeline and self._pipeline[0] == os.getpid():
            self._pipeline[1].close()
        self._pipeline = None

    def _opened(self) -> Pipeline:
        """The model of this process; one that was opened before a fork has lost its threads."""
        if self._pipeline is None or self._pipeline[0] != os.getpid():
            settings = self.settings
            if multiprocessing.parent_process() is not None:
                _use_one_thread()
                settings = {**settings, "threads": 1}
            self._pipeline = os.getpid(), load(**settings)
        return self._pipeline[1]

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: all but the open model."""
        return {**self.__dict__, "_pipeline": None}


def _use_one_thread() -> None:
    """Keep torch from waiting for OpenMP's threads, which do not live on in a forked process."""
    import torch

    torch.set_num_threads(1)


def annotated(doc: Doc, extraction: Extraction, spans_key: str = SPANS_KEY) -> Doc:
    """The document with the mentions of its text as spans and the relations between these.

    A span has the mention's id, and its first concept as ``kb_id_``. spaCy's spans consist of
    whole tokens: a mention that begins or ends within a token gets the whole token, and
    ``span._.keci`` keeps its own offsets.
    """
    if extraction.text != doc.text:
        raise DataError("the extraction is of another text than the document")
    record = {**extraction.to_record(), "text": "", "spans_key": spans_key}
    doc.user_data[_FINDINGS] = orjson.dumps(record).decode()
    doc.spans[spans_key] = [_span(doc, mention) for mention in extraction.mentions]
    return doc


def _span(doc: Doc, mention: Mention) -> Span:
    best = mention.concept
    span = doc.char_span(
        mention.start,
        mention.end,
        label=mention.type,
        kb_id=best.id if best else "",
        alignment_mode="expand",
        span_id=mention.id,
    )
    if span is None:
        raise DataError(f"no token of the document stands at {mention.start}:{mention.end}")
    return span


def _extraction(doc: Doc) -> Extraction | None:
    """What KECI found in a document; None where it has not read it."""
    found = doc.user_data.get(_FINDINGS)
    if found is None:
        return None
    return Extraction.from_record({**orjson.loads(found), "text": doc.text})


def _relations(doc: Doc) -> Sequence[SpanRelation]:
    extraction = _extraction(doc)
    if extraction is None:
        return ()
    key = orjson.loads(doc.user_data[_FINDINGS])["spans_key"]
    spans = {span.id_: span for span in doc.spans[key]}
    return tuple(
        SpanRelation(
            spans[relation.head],
            spans[relation.tail],
            relation.type,
            relation.score,
            relation.assertion,
        )
        for relation in extraction.relations
    )


def _mention(span: Span) -> Mention | None:
    extraction = _extraction(span.doc)
    mentions = extraction.mentions if extraction else ()
    return next((mention for mention in mentions if mention.id == span.id_), None)


def _concepts(span: Span) -> tuple[ConceptLink, ...]:
    mention = _mention(span)
    return mention.concepts if mention else ()


Doc.set_extension("keci", getter=_extraction)
Doc.set_extension("relations", getter=_relations)
Span.set_extension("keci", getter=_mention)
Span.set_extension("concepts", getter=_concepts)
