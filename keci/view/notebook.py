"""An extraction in the cell of a notebook: the page in a frame of its own."""

from html import escape

from keci.documents import Extraction
from keci.view.document_page import extraction_page

_CHARACTERS_A_LINE = 95
_LINE_HEIGHT = 62
_MOST_HEIGHT = 720


def notebook_html(extraction: Extraction) -> str:
    """A frame with the page of one extraction, which cannot reach the notebook around it."""
    page = extraction_page([extraction], title=extraction.id, embedded=True)
    lines = 2 + len(extraction.text) // _CHARACTERS_A_LINE + extraction.text.count("\n")
    height = min(_MOST_HEIGHT, 160 + lines * _LINE_HEIGHT)
    return (
        f'<iframe title="{escape(extraction.id)}" sandbox="allow-scripts allow-popups" '
        f'srcdoc="{escape(page)}" width="100%" height="{height}" frameborder="0"></iframe>'
    )
