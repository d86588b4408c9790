"""The reader of each layout whose records are texts with mentions and relations of these."""

from collections.abc import Callable, Mapping
from typing import Any

from keci.data import annotation_tools, bigbio, brat, dygie, tagged
from keci.data.layouts import Layout
from keci.errors import DataError
from keci.formats import bioc, pubtator, xmi
from keci.formats.annotated import AnnotatedText, settled

_READERS: Mapping[Layout, Callable[[Any, int], AnnotatedText]] = {
    Layout.PUBTATOR: lambda block, _: pubtator.read_block(block),
    Layout.BIOC: lambda record, _: bioc.read_document(record),
    Layout.BRAT: lambda document, _: brat.read_document(document),
    Layout.TAGGED: lambda sentence, _: tagged.read_sentence(sentence),
    Layout.DYGIE: lambda sentence, _: dygie.read_sentence(sentence),
    Layout.BIGBIO: lambda record, _: bigbio.read_document(record),
    Layout.DOCCANO: annotation_tools.read_doccano,
    Layout.PRODIGY: annotation_tools.read_prodigy,
    Layout.LABEL_STUDIO: annotation_tools.read_label_studio,
    Layout.XMI: lambda document, _: xmi.annotated_text(*document),
    Layout.PUBANNOTATION: annotation_tools.read_pubannotation,
}
TEXT_LAYOUTS = frozenset(_READERS)


def read_text(layout: Layout, record: Any, number: int) -> AnnotatedText:
    """A record of one of ``TEXT_LAYOUTS``; raises DataError where it is not what they promise."""
    try:
        return settled(_READERS[layout](record, number))
    except KeyError as error:
        raise DataError(f"not a record of {layout}: there is no {error.args[0]!r}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        reason = "a value is of another kind than expected"
        raise DataError(f"not a record of {layout}: {reason}") from error
