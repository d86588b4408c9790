import io
from pathlib import Path

import pytest

from keci.data.biored import read_document, read_predicted_document
from keci.data.concepts import concept_interactions
from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset, Interaction
from keci.data.predictions import load_predictions
from keci.errors import DataError
from keci.evaluation import Score, evaluate
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow
from keci.formats.write import Format
from keci.schema import BIORED
from tests.keci.data.annotations import shared_file

TEXT = AnnotatedText(
    "7",
    "Abc rash",
    (MentionRow(0, 3, "Abc", "GeneOrGeneProduct", ("1",)),
     MentionRow(4, 8, "rash", "DiseaseOrPhenotypicFeature", ("D",))),
    (RelationRow("Association", "1", "D"),),
)  # fmt: skip
STRAY = AnnotatedText("7", TEXT.text, TEXT.mentions, (RelationRow("Bind", "1", "9"),))


def test_a_document_has_its_relations_twice() -> None:
    document = read_document(TEXT, BIORED)
    (relation,) = document.extraction.relations
    assert (relation.head, relation.tail, relation.type) == ("T1", "T2", "Association")
    assert document.interactions == (Interaction(("1",), ("D",), "Association"),)
    assert (document.id, document.split_key) == ("7", "7")
    assert read_predicted_document(TEXT, BIORED) == document.extraction


def test_a_concept_without_a_mention_is_told() -> None:
    document = read_document(STRAY, BIORED)
    assert document.interactions == (Interaction(("1",), ("9",), "Bind"),)
    (remark,) = document.remarks
    assert (remark.reason, remark.lost) == (
        "relations name identifiers that no mention has", "relation",
    )  # fmt: skip
    assert remark.example == "Bind of 1 and 9 in 7"
    with pytest.raises(DataError, match="identifiers that no mention has: 9"):
        read_predicted_document(STRAY, BIORED)


PARTS = [("Train", 400, 13351, 4178), ("Dev", 100, 3533, 1162)]


def counts(dataset: GoldDataset) -> tuple[int, int, int]:
    """Documents, annotated spans and relations between concepts."""
    extractions = [document.extraction for document in dataset.documents]
    spans = (len({(m.start, m.end, m.type) for m in item.mentions}) for item in extractions)
    relations = (len(document.interactions) for document in dataset.documents)
    return len(extractions), sum(spans), sum(relations)


@pytest.mark.parametrize(("part", "documents", "mentions", "relations"), PARTS)
def test_pubtator_and_bioc_of_biored_are_one(
    part: str, documents: int, mentions: int, relations: int
) -> None:
    gold = load_dataset(shared_file(f"biored/{part}.PubTator"), BIORED)
    assert counts(gold) == (documents, mentions, relations)
    assert load_dataset(shared_file(f"biored/{part}.BioC.XML"), BIORED) == gold
    for document in gold.documents:
        assert concept_interactions(document.extraction) == document.interactions
    evaluation = evaluate(gold, [document.extraction for document in gold.documents])
    assert evaluation.untyped is not None
    for figures in (evaluation.official, evaluation.strict, evaluation.untyped):
        assert (figures.entity.score().f1, figures.relation.score().f1) == (100, 100)
    relation = evaluation.relation
    assert isinstance(relation, Score)
    assert relation.tp == relations


@pytest.mark.parametrize("name", ["pubtator", "bioc"])
def test_biored_as_we_write_it_is_read_back(name: str, tmp_path: Path) -> None:
    gold = load_dataset(shared_file("biored/Dev.PubTator"), BIORED)
    extractions = tuple(document.extraction for document in gold.documents)
    content = io.BytesIO()
    Format(name).write(extractions, content)
    path = tmp_path / name
    path.write_bytes(content.getvalue())
    assert load_dataset(path, BIORED) == gold
    assert load_predictions(path, BIORED) == extractions
