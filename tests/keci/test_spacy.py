"""KECI in a spaCy pipeline."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

spacy = pytest.importorskip("spacy", reason="spaCy is not installed (keci[spacy])")

from spacy.language import Language  # noqa: E402  # after it is known to be there
from spacy.tokens import Doc, DocBin  # noqa: E402

import keci  # noqa: E402
from keci.documents import ConceptLink, Extraction, Mention, Relation  # noqa: E402
from keci.spacy import KeciComponent, annotated  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("rash after abc.", "", "pain with rash and abc kinase.", "x-y  z")


@pytest.fixture
def nlp(tiny_bundle: Path, tiny_kb_folder: Path) -> Language:
    made: Language = spacy.blank("en")
    made.add_pipe("keci", config={"model": str(tiny_bundle), "kb": str(tiny_kb_folder)})
    return made


def extractions(docs: "list[Doc]") -> list[Extraction]:
    return [doc._.keci for doc in docs]


def plain(item: Extraction) -> tuple[object, ...]:
    """What was found, without scores, which may differ in their last digits."""
    mentions = [(mention.start, mention.end, mention.type) for mention in item.mentions]
    return item.text, mentions, [(link.head, link.tail, link.type) for link in item.relations]


def test_documents_say_what_the_pipeline_says(
    nlp: Language, tiny_bundle: Path, tiny_kb_folder: Path
) -> None:
    with keci.load(tiny_bundle, kb=tiny_kb_folder) as pipeline:
        expected = [pipeline(text) for text in TEXTS]
    found = extractions([nlp(text) for text in TEXTS])
    assert [item.mentions for item in found] == [item.mentions for item in expected]
    assert [item.relations for item in found] == [item.relations for item in expected]
    assert any(item.mentions for item in found)
    for doc, item in zip(map(nlp, TEXTS), expected, strict=True):
        spans = doc.spans["keci"]
        assert [span.label_ for span in spans] == [mention.type for mention in item.mentions]
        assert [span._.concepts for span in spans] == [
            mention.concepts for mention in item.mentions
        ]
        assert [span._.keci for span in spans] == list(item.mentions)
        assert [(link.head.id_, link.tail.id_) for link in doc._.relations] == [
            (link.head, link.tail) for link in item.relations
        ]


def test_batches_and_processes_find_the_same(nlp: Language) -> None:
    expected = [plain(nlp(text)._.keci) for text in TEXTS] * 3
    texts = TEXTS * 3
    assert [plain(item) for item in extractions(list(nlp.pipe(texts, batch_size=5)))] == expected
    many = list(nlp.pipe(texts, batch_size=2, n_process=2))
    assert [plain(item) for item in extractions(many)] == expected
    assert [doc.text for doc in many] == list(texts)
    with_context = list(
        nlp.pipe([(text, number) for number, text in enumerate(texts)], as_tuples=True)
    )
    assert [number for _, number in with_context] == list(range(len(texts)))


def test_pipeline_comes_back_from_disk_and_documents_from_bytes(
    nlp: Language, tmp_path: Path
) -> None:
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    assert again.config["components"]["keci"] == nlp.config["components"]["keci"]
    doc = again(TEXTS[2])
    assert plain(doc._.keci) == plain(nlp(TEXTS[2])._.keci)
    stored = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    (other,) = DocBin().from_bytes(stored).get_docs(spacy.blank("en").vocab)
    assert other._.keci == doc._.keci
    assert [span._.keci for span in other.spans["keci"]] == list(doc._.keci.mentions)


def test_nested_and_uneven_mentions_keep_their_own_offsets() -> None:
    text = "TENSlike rash (abc)"
    best, other = ConceptLink("X:1", "a", (), 0.3), ConceptLink("X:2", "b", (), 0.6)
    mentions = (
        Mention("T1", 0, 4, "TENS", "effect", concepts=(best, other), context_weight=0.1),
        Mention("T2", 0, 13, "TENSlike rash", "effect"),
        Mention("T3", 0, 4, "TENS", "drug"),
        Mention("T4", 15, 18, "abc", "drug"),
    )
    relation = Relation("R1", "T2", "T4", "caused-by", 0.9, "negated")
    given = Extraction("", text, mentions, (relation,))
    doc = annotated(spacy.blank("en")(text), given, "found")
    spans = doc.spans["found"]
    assert [(span.text, span.label_) for span in spans] == [
        ("TENSlike", "effect"), ("TENSlike rash", "effect"), ("TENSlike", "drug"), ("abc", "drug"),
    ]  # fmt: skip
    assert [span._.keci for span in spans] == list(mentions)
    assert spans[0].kb_id_ == "X:1"
    assert doc._.keci == given
    ((head, tail, kind, score, assertion),) = doc._.relations
    assert (head.text, tail.text, kind) == ("TENSlike rash", "abc", "caused-by")
    assert (score, assertion) == (0.9, "negated")
    with pytest.raises(keci.KeciError, match="another text"):
        annotated(spacy.blank("en")("other"), given)


def test_unread_documents_have_nothing() -> None:
    doc = spacy.blank("en")("rash")
    assert (doc._.keci, doc._.relations) == (None, ())
    assert (doc[0:1]._.keci, doc[0:1]._.concepts) == (None, ())


def test_unreadable_texts_go_to_the_error_handler(nlp: Language) -> None:
    component = nlp.get_pipe("keci")
    assert isinstance(component, KeciComponent)
    doc = Doc(nlp.vocab, words=["rash"])
    refused: list[str] = []
    nlp.set_error_handler(lambda name, *_: refused.append(name))
    failing = [doc, _Unreadable(nlp.vocab, words=["pain"])]
    found = list(component.pipe(failing))
    assert (found, refused) == ([doc], ["keci"])
    component.set_error_handler(_raise)
    with pytest.raises(keci.KeciError):
        component(failing[1])
    component.close()


class _Unreadable(Doc):
    """A document whose text no record may have."""

    @property
    def text(self) -> str:
        return "\x00" * 10 + "\ud800"


def _raise(name: str, component: object, docs: object, error: Exception) -> None:
    raise error


AFTER_A_FORK = """
import spacy
import keci.spacy
nlp = spacy.blank("en")
nlp.add_pipe("keci", config={"model": "ade", "kb": False})
text = "Rash after amoxicillin."
assert nlp(text)._.relations
assert all(doc._.relations for doc in nlp.pipe([text] * 4, n_process=2, batch_size=2))
"""


def test_processes_that_are_forked_from_one_that_has_read_do_not_hang() -> None:
    many = {**os.environ, "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", AFTER_A_FORK], env=many, check=True, timeout=120)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="threads"):
        spacy.blank("en").add_pipe("keci", config={"threads": "many"})
    nlp = spacy.blank("en")
    nlp.add_pipe("keci", config={"model": "no-such"})
    with pytest.raises(keci.KeciError, match="no bundle folder and no shipped model"):
        nlp("rash")


def test_the_entry_point_is_the_factory() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    module, _, name = project["entry-points"]["spacy_factories"]["keci"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_the_guide_runs(tiny_kb_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (ROOT / "docs" / "spacy.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    known: dict[str, object] = {}
    exec(code.replace("kb/open", str(tiny_kb_folder)), known)
    assert "rash Adverse-Effect amoxicillin" in capsys.readouterr().out
    assert 'class="entities"' in str(known["page"]) or "spans" in str(known["page"])
