"""A few annotated sentences that a tiny model can learn."""

from keci.documents import Extraction
from tests.keci.data.annotations import annotate


def annotated_sentences() -> list[Extraction]:
    """Effects are rash and pain, drugs are abc and drug; "after" and "with" link them."""
    return [
        caused("rash after abc", "rash", "abc", "s1"),
        caused("pain after drug", "pain", "drug", "s2"),
        caused("rash after drug .", "rash", "drug", "s3"),
        caused("pain after abc .", "pain", "abc", "s4"),
        annotate(
            "pain with rash", [(0, 4, "effect"), (10, 14, "effect")], [(0, 1, "with")],
            document_id="s5",
        ),
        annotate("drug , abc", [(0, 4, "drug"), (7, 10, "drug")], document_id="s6"),
    ]  # fmt: skip


def caused(text: str, effect: str, drug: str, document_id: str) -> Extraction:
    spans = [
        (text.index(name), text.index(name) + len(name), label)
        for name, label in ((effect, "effect"), (drug, "drug"))
    ]
    return annotate(text, spans, [(0, 1, "caused-by")], document_id=document_id)
