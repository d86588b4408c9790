"""KECI as a library: a model that is ready to read texts, and the files around it.

    import keci

    with keci.load(kb="kb/open") as pipeline:
        for result in pipeline.extract(keci.read("pubmed.xml.gz", failures=True)):
            ...                         # an Extraction or a Failure for each record, in order

``load`` opens a model in this process, or starts processes that open it; ``Pipeline`` reads with
it. ``read``, ``write`` and ``evaluate`` need no model. The commands, the processes that work for a
run, and the actors of a cluster, open their models by ``keci.opening``, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, overload

from keci.documents import Document, Extraction, Failure
from keci.errors import DataError, UsageError
from keci.filters import Filter
from keci.opening import DEFAULTS, ModelOptions, Opened, open_extractor
from keci.schema import TaskSchema, load_schema

if TYPE_CHECKING:
    from keci.corpus.records import Chunk, Record
    from keci.data.gold import GoldDataset
    from keci.evaluation import Evaluation
    from keci.knowledge.linking.linker import Linker


_SOURCE = "text"
"""What texts that a program hands over are said to come from, in failures."""


class Concept(NamedTuple):
    """A concept that a mention may denote, with its ids in other vocabularies."""

    id: str
    name: str
    types: tuple[str, ...]
    xrefs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkedMention:
    """A span of a text that the knowledge base has names for; ``concepts`` stand best first."""

    start: int
    end: int
    text: str
    concepts: tuple[Concept, ...]


class Pipeline:
    """A model with its knowledge base, ready to read texts.

    Use it in a ``with`` block, or call ``close``. Threads may share a pipeline of one process and
    read at the same time; one of several processes reads one stream at a time. A pipeline cannot
    be handed to another process: each process calls ``load`` itself, and the pages of model and
    knowledge base are shared by the system.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._is_open = True

    def __call__(self, text: str | Document) -> Extraction:
        """The extraction of one text; raises DataError where it cannot be read.

        >>> with keci.load("ade", kb=kb) as pipeline:
        ...     extraction = pipeline("Rash after amoxicillin.")
        >>> [(mention.text, mention.type) for mention in extraction.mentions]
        [('Rash', 'Adverse-Effect'), ('amoxicillin', 'Drug')]
        """
        (result,) = self.extract([text])
        if isinstance(result, Failure):
            raise DataError(result.reason)
        return result

    def extract(self, texts: Iterable[str | Document | Failure]) -> Iterator[Extraction | Failure]:
        """One result for each text, in order, as they are found; few are read ahead.

        A string is given its ordinal for an id, from 1. A Failure stays what it is, and so does
        the order, so that nothing is lost on the way from ``keci.read`` to ``keci.write``.

        >>> with keci.load("ade", kb=False) as pipeline:
        ...     for result in pipeline.extract(["Rash after amoxicillin.", "No drug was given."]):
        ...         print(result.id, [mention.text for mention in result.mentions])
        1 ['Rash', 'amoxicillin']
        2 []
        """
        from keci.corpus.records import records_of

        for chunk in self.chunks(records_of(_SOURCE, _checked(texts))):
            for result in chunk:
                if isinstance(result.outcome, Extraction | Failure):
                    yield result.outcome

    def link(self, text: str) -> tuple[LinkedMention, ...]:
        """The concepts that the knowledge base has names for in a text; raises UsageError without.

        >>> with keci.load("ade", kb=kb) as pipeline:
        ...     for mention in pipeline.link("Skin rash after amoxicillin."):
        ...         print(mention.start, mention.end, mention.text, mention.concepts[0].name)
        0 9 Skin rash rash
        5 9 rash rash
        """
        linker = self._linker
        base = linker.knowledge_base
        return tuple(
            LinkedMention(
                mention.start,
                mention.end,
                text[mention.start : mention.end],
                tuple(Concept(*base.summary(index)) for index in mention.concepts),
            )
            for mention in linker.link(text)
        )

    @cached_property
    def _linker(self) -> "Linker":
        from keci.knowledge.linking.linker import Linker

        base = self._opened.find_base()
        if base is None:
            raise UsageError("a pipeline that reads no knowledge base cannot link texts")
        return Linker(base)

    def chunks(self, records: "Iterable[Record]") -> "Iterator[Chunk]":
        """The results of a corpus's records, a chunk at a time; what a run of keci-extract reads.

        Raises UsageError where the pipeline is closed, WorkerError where a process ends early.
        """
        if not self._is_open:
            raise UsageError("the pipeline is closed")
        return self._opened.extractor(records)

    @property
    def description(self) -> Mapping[str, Any]:
        """Name, hash and settings of the model, its knowledge base, and versions of packages."""
        return self._opened.description

    @property
    def records_waiting(self) -> int:
        """Records that were read, and are being linked or extracted."""
        return self._opened.extractor.records_waiting

    @property
    def process_ids(self) -> Sequence[int]:
        """The ids of the other processes that work for this pipeline."""
        return self._opened.process_ids()

    def check_used(self, *, is_whole: bool = True) -> None:
        """Log which mentions of another program fitted no text; raises DataError where none did.

        Where only a part of the corpus was read (not ``is_whole``) that is only logged.
        """
        if self._opened.mentions:
            self._opened.mentions.check_used(is_whole=is_whole)

    def close(self) -> None:
        """End the threads and processes; what was found stays."""
        if self._is_open:
            self._is_open = False
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load(
    name: str | Path = DEFAULTS.model,
    *,
    kb: str | Path | Literal[False] | None = DEFAULTS.kb,
    precision: str | None = DEFAULTS.precision,
    device: str = DEFAULTS.device,
    threads: int | None = DEFAULTS.threads,
    processes: int | None = 1,
    unit: str | None = DEFAULTS.unit,
    mentions: str | Path | None = DEFAULTS.mentions,
    vocabulary: str | Sequence[str] | None = DEFAULTS.vocabulary,
    keep: Filter | None = None,
) -> Pipeline:
    """A pipeline of the shipped model called ``name``, or of a bundle's or training run's folder.

    ``kb`` is the folder of a knowledge base; None takes the default one, or none where there is
    none, and False reads without. ``precision`` None takes the bundle's default one, ``threads``
    None every core, ``processes`` None one for two threads. ``unit`` is ``sentence`` or
    ``document``; None takes what the model was trained on. ``mentions`` is an output of MetaMap
    or the like that takes the place of KECI's own linker; ``vocabulary`` names concepts by their id
    in the first of ``["MESH", "CHEBI"]`` that has one; ``keep`` tells which findings are kept. What
    is not given is as keci-extract has it, but for ``processes``: this process works alone.
    Raises UsageError or BundleError where the model or its knowledge base cannot be opened.

    >>> pipeline = keci.load("ade", kb=False)
    >>> pipeline("Rash after amoxicillin.").relations[0].type
    'Adverse-Effect'
    >>> pipeline.close()
    """
    options = ModelOptions(
        model=str(name),
        kb=Path(kb) if kb else None,
        without_kb=kb is False,
        mentions=Path(mentions) if mentions else None,
        precision=precision,
        device=device,
        threads=threads,
        processes=processes,
        unit=unit,
        vocabulary=None if vocabulary is None else _joined(vocabulary, "vocabulary"),
        keep=keep or Filter(),
    )
    return Pipeline(open_extractor(options, reads_runs=True))


def _checked(texts: "Iterable[str | Document | Failure]") -> "Iterator[Document | Failure]":
    from keci.formats.limits import checked_document
    from keci.formats.stream import ReadOptions

    if isinstance(texts, str | Document):
        raise UsageError(
            "expected texts or Documents, a list or the like, got a single one: "
            "pipeline(text) reads that"
        )
    limits = ReadOptions()
    for number, text in enumerate(texts, start=1):
        if isinstance(text, str):
            yield checked_document(Document(str(number), text), _SOURCE, number, limits)
        elif isinstance(text, Document | Failure):
            yield text
        else:
            raise UsageError(f"expected a text or a Document, got {type(text).__name__}")


def _joined(names: str | Sequence[str], what: str) -> str:
    """Names in a row, as the command line has them; raises UsageError where they are none."""
    if isinstance(names, str):
        return names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{what} must be a text or a list of texts, got {names!r}")
    return ",".join(names)


@overload
def read(
    *inputs: str | Path,
    input_format: str = ...,
    text_field: str | Sequence[str] = ...,
    id_field: str = ...,
    failures: Literal[False] = ...,
) -> Iterator[Document]: ...


@overload
def read(
    *inputs: str | Path,
    input_format: str = ...,
    text_field: str | Sequence[str] = ...,
    id_field: str = ...,
    failures: Literal[True],
) -> Iterator[Document | Failure]: ...


def read(
    *inputs: str | Path,
    input_format: str = "auto",
    text_field: str | Sequence[str] = "text",
    id_field: str = "id",
    failures: bool = False,
) -> Iterator[Document] | Iterator[Document | Failure]:
    """The documents of files, folders and patterns, in order, in any format keci-extract reads.

    A record that cannot be read raises DataError; with ``failures`` it is a Failure in its place,
    which ``extract`` and ``write`` take. Every record is read, whatever later ones say of it:
    keci-extract alone looks for revisions and repeated ids. Raises UsageError for an input that is
    missing or of no known format.

    >>> [document.id for document in keci.read("abstracts.jsonl")]
    ['a1', 'a2']
    """
    from keci.formats.read import read_documents, without_failures

    records = read_documents(
        [str(item) for item in inputs],
        input_format=input_format,
        text_field=_joined(text_field, "text_field"),
        id_field=id_field,
    )
    return records if failures else without_failures(records)


class Written(NamedTuple):
    """How many extractions a file has, and how many failures lie beside it."""

    written: int
    failed: int


def write(
    extractions: Iterable[Extraction | Failure],
    path: str | Path,
    format: str | None = None,  # noqa: A002  # what everybody calls it
) -> Written:
    """Write extractions to a file in the format that its name ends in, or that ``format`` names.

    The file appears when it is whole. Failures go to ``PATH.failures.jsonl``, as those of
    keci-extract do. Raises UsageError for an ending or a format that nothing writes.

    >>> with keci.load(kb=False) as pipeline:
    ...     keci.write(pipeline.extract(keci.read("abstracts.jsonl")), "out.bioc.json")
    Written(written=2, failed=0)
    """
    from keci.corpus.quarantine import Quarantine
    from keci.files import whole_file
    from keci.formats.write import format_of

    target, written = Path(path), 0
    chosen = format_of(target.name, format)

    def kept() -> Iterator[Extraction]:
        nonlocal written
        for number, result in enumerate(extractions):
            if isinstance(result, Failure):
                quarantine.add(result, number)
            else:
                written += 1
                yield result

    with Quarantine(f"{target}.failures.jsonl") as quarantine, whole_file(target) as file:
        chosen.write(kept(), file)
    return Written(written, quarantine.count)


def evaluate(
    gold: str | Path | Iterable[Extraction],
    predicted: str | Path | Iterable[Extraction | Failure],
    *,
    task: str | Path | TaskSchema,
) -> "Evaluation":
    """Predictions scored against annotated documents, matched by id, by the metric of the task.

    Both are files in any layout that keci-evaluate reads, or extractions. ``task`` is a built-in
    one, a schema file or a schema. A document that failed counts as one without prediction. Raises
    DataError where ids or texts do not fit.

    >>> gold = [keci.Extraction("1", "Rash", (keci.Mention("T1", 0, 4, "Rash", "Adverse-Effect"),))]
    >>> keci.evaluate(gold, gold, task="ade").strict_entity.f1
    100.0
    """
    from keci.data.predictions import load_predictions
    from keci.evaluation import evaluate as score

    schema = task if isinstance(task, TaskSchema) else load_schema(str(task))
    annotated = _gold(gold, schema)
    if isinstance(predicted, str | Path):
        return score(annotated, load_predictions(Path(predicted), schema, gold=annotated))
    return score(annotated, [item for item in predicted if isinstance(item, Extraction)])


def _gold(gold: str | Path | Iterable[Extraction], schema: TaskSchema) -> "GoldDataset":
    from keci.data.datasets import gold_dataset, load_dataset

    if isinstance(gold, str | Path):
        return load_dataset(Path(gold), schema)
    return gold_dataset(gold, schema)
