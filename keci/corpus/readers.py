"""Documents out of inputs: one stream in the order of the inputs, failures in their places.

| format | a record is | its id |
|---|---|---|
| jsonl | one JSON object a line | the field ``id_field`` |
| pubmed | one citation of PubMed XML | the PMID |
| bioc | one document of a BioC collection, XML or JSON | its id |
| jats | one article of PMC full text | the PMC id |
| pubtator | one title with its abstract | the PMID |
| text | the whole file | the file's name |
| brat | the whole file, chosen by name alone | the file's name without its suffix |

Each may be compressed (gzip, bzip2, xz, zstd), which the content shows, not the name.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from keci.corpus.bioc import read_bioc
from keci.corpus.detection import detect_format
from keci.corpus.inputs import expand_inputs
from keci.corpus.jats import read_jats
from keci.corpus.jsonl import read_jsonl
from keci.corpus.plain import read_brat, read_text
from keci.corpus.pubmed import read_pubmed
from keci.corpus.pubtator import read_pubtator
from keci.corpus.sources import ContentStream, ReadOptions, Source
from keci.documents import Document, Failure
from keci.errors import DataError, UsageError

AUTO = "auto"
Reader = Callable[[ContentStream, str, ReadOptions], Iterator[Document | Failure]]
READERS: dict[str, Reader] = {
    "jsonl": read_jsonl,
    "pubmed": read_pubmed,
    "bioc": read_bioc,
    "jats": read_jats,
    "pubtator": read_pubtator,
    "text": read_text,
    "brat": read_brat,
}
INPUT_FORMATS = (AUTO, *READERS)


def read_documents(
    inputs: Sequence[str],
    *,
    input_format: str = AUTO,
    text_field: str = "text",
    id_field: str = "id",
) -> Iterator[Document | Failure]:
    """The documents of all inputs, in order: files, folders, patterns, ``-`` for standard input.

    Every input is looked at before the first record comes. Raises UsageError for a missing,
    unreadable or unknown one; what goes wrong later becomes a Failure and reading goes on.
    """
    options = ReadOptions(text_field=text_field, id_field=id_field)
    sources = find_sources(inputs, input_format, options)
    return chain.from_iterable(
        read_source(source, input_format=input_format, options=options) for source in sources
    )


def find_sources(inputs: Sequence[str], input_format: str, options: ReadOptions) -> list[Source]:
    """The files behind the inputs, each looked at; raises UsageError as ``read_documents`` does."""
    if input_format not in INPUT_FORMATS:
        known = ", ".join(INPUT_FORMATS)
        raise UsageError(f"unknown input format {input_format!r}; known are {known}")
    sources = [Source(path) for path in expand_inputs(inputs)]
    if not sources:
        raise UsageError("expected at least one input, got none")
    if sum(source.is_stdin for source in sources) > 1:
        raise UsageError("standard input (-) can be read only once")
    for source in sources:
        source.check()
        if input_format == AUTO and source.is_regular:
            with source.open(options) as stream:
                detect_format(stream.head, source.name)
    return sources


def read_source(
    source: Source,
    *,
    input_format: str,
    options: ReadOptions,
    watch: Callable[[ContentStream], object] | None = None,
) -> Iterator[Document | Failure]:
    """The records of one input, in order; ``watch`` is given its stream before the first."""
    try:
        stream = source.open(options)
    except DataError as error:
        yield Failure(source.name, 1, "", str(error))
        return
    with stream:
        if watch:
            watch(stream)
        known = input_format != AUTO
        name = input_format if known else detect_format(stream.head, source.name)
        yield from READERS[name](stream, source.name, options)
