"""What the guides do with extractions in pandas and networkx."""

import re
from pathlib import Path

import pytest

from keci.documents import Extraction
from tests.keci.formats.test_frame import EXAMPLE

DOCS = Path(__file__).parents[3] / "docs"


def test_the_guide_to_tables_makes_a_frame_and_a_graph() -> None:
    pytest.importorskip("networkx")
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "tables.md").read_text("utf-8"), re.DOTALL)
    known: dict[str, object] = {"extractions": [EXAMPLE]}
    exec(code, known)
    assert len(known["frame"]) == len(EXAMPLE.relations)  # type: ignore[arg-type]  # a frame
    assert known["graph"].number_of_edges()  # type: ignore[attr-defined]  # a graph


def test_the_guide_to_python_makes_a_table_of_mentions() -> None:
    pandas = pytest.importorskip("pandas")
    (code,) = re.findall(r"`(pandas\.[^`]+)`", (DOCS / "python.md").read_text("utf-8"))
    results: list[Extraction] = [EXAMPLE, EXAMPLE]
    frame = eval(code, {"pandas": pandas, "results": results})
    assert list(frame["text"]) == [mention.text for item in results for mention in item.mentions]
    assert set(frame["document_id"]) == {EXAMPLE.id}
