"""Cases counted by hand: three genes (one a family of two), a disease named twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keci.data.biored import read_document
from keci.data.gold import GoldDataset
from keci.documents import ConceptLink, Extraction
from keci.evaluation import Evaluation, Score, evaluate
from keci.formats.annotated import AnnotatedText, MentionRow, RelationRow
from keci.schema import BIORED, RelationType, TaskSchema
from tests.keci.data.annotations import annotate
from tests.keci.formats.strategies import annotated_texts

TEXT = "Abc Abd AB family rash rash xyz"
GENE, DISEASE = "GeneOrGeneProduct", "DiseaseOrPhenotypicFeature"
ROWS = (
    MentionRow(0, 3, "Abc", GENE, ("1",)),
    MentionRow(4, 7, "Abd", GENE, ("2",)),
    MentionRow(8, 17, "AB family", GENE, ("1", "2")),
    MentionRow(18, 22, "rash", DISEASE, ("D",)),
    MentionRow(23, 27, "rash", DISEASE, ("D",)),
)
ABC, ABD, FAMILY = (0, 3, GENE), (4, 7, GENE), (8, 17, GENE)
RASH, RASH_AGAIN, FOREIGN = (18, 22, DISEASE), (23, 27, DISEASE), (28, 31, GENE)
RELATED = (RelationRow("Association", "1", "D"), RelationRow("Bind", "1", "2"))


def gold_of(*relations: RelationRow, schema: TaskSchema = BIORED) -> GoldDataset:
    text = AnnotatedText("d1", TEXT, ROWS, relations)
    return GoldDataset(schema, (read_document(text, schema),))


def scored(*relations, gold: GoldDataset | None = None) -> Evaluation:
    """Relations are (span, span, type)."""
    spans = list(dict.fromkeys(span for head, tail, _ in relations for span in (head, tail)))
    items = [(spans.index(head), spans.index(tail), kind) for head, tail, kind in relations]
    return evaluate(gold or gold_of(*RELATED), [annotate(TEXT, spans, items)])


def counts(score) -> tuple[int, int, int]:
    assert isinstance(score, Score)
    return score.tp, score.fp, score.fn


def relation_counts(evaluation: Evaluation) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """With types, and pairs alone."""
    assert evaluation.untyped is not None
    return counts(evaluation.relation), counts(evaluation.untyped.relation.score())


@pytest.mark.parametrize(
    ("relations", "typed", "pairs"),
    [
        ([], (0, 0, 2), (0, 0, 2)),
        ([(ABC, RASH, "Association")], (1, 0, 1), (1, 0, 1)),
        ([(RASH, ABC, "Association"), (ABC, RASH_AGAIN, "Association")], (1, 0, 1), (1, 0, 1)),
        ([(ABC, RASH, "Bind")], (0, 1, 2), (1, 0, 1)),
        ([(ABC, RASH, "Bind"), (ABC, RASH_AGAIN, "Association")], (1, 1, 1), (1, 0, 1)),
        ([(FAMILY, RASH, "Association")], (1, 1, 1), (1, 1, 1)),
        ([(ABD, FAMILY, "Bind")], (1, 0, 1), (1, 0, 1)),
        ([(RASH, RASH_AGAIN, "Bind")], (0, 1, 2), (0, 1, 2)),
        ([(ABC, FOREIGN, "Association")], (0, 1, 2), (0, 1, 2)),
        ([((0, 3, DISEASE), RASH, "Association")], (1, 0, 1), (1, 0, 1)),
        ([((0, 2, GENE), RASH, "Association")], (0, 1, 2), (0, 1, 2)),
    ],
)
def test_relations_count_as_pairs_of_concepts(relations, typed, pairs) -> None:
    assert relation_counts(scored(*relations)) == (typed, pairs)


def test_repeated_names_that_are_not_annotated_count_once() -> None:
    gold = gold_of()
    mentions = [ABC, (18, 20, GENE), (23, 25, GENE)]
    relations = [(0, 1, "Bind"), (0, 2, "Bind")]
    predicted = annotate(TEXT, mentions, relations)
    assert counts(evaluate(gold, [predicted]).relation) == (0, 1, 0)
    first, *others = predicted.mentions
    linked = (
        first,
        *(replace(item, concepts=(ConceptLink(item.id, "", (), 1.0),)) for item in others),
    )
    assert counts(evaluate(gold, [replace(predicted, mentions=linked)]).relation) == (0, 2, 0)


def test_entities_count_with_and_without_their_type() -> None:
    evaluation = scored((ABC, (18, 22, GENE), "Association"))
    assert counts(evaluation.entity) == (1, 1, 4)
    assert evaluation.untyped is not None
    assert counts(evaluation.untyped.entity.score()) == (2, 0, 3)


def test_the_schema_gives_a_type_its_direction() -> None:
    schema = TaskSchema("own", (GENE, DISEASE), (RelationType("to"),), "biored")
    gold = gold_of(RelationRow("to", "1", "D"), schema=schema)
    assert relation_counts(scored((ABC, RASH, "to"), gold=gold)) == ((1, 0, 0), (1, 0, 0))
    assert relation_counts(scored((RASH, ABC, "to"), gold=gold)) == ((0, 1, 1), (1, 0, 0))


def test_a_prediction_may_name_which_concept_of_a_span_it_means() -> None:
    gold = gold_of(*RELATED)
    predicted = annotate(TEXT, [FAMILY, RASH], [(0, 1, "Association")], groups=["1", "D"])
    assert counts(evaluate(gold, [predicted]).relation) == (1, 0, 1)


def test_the_record_and_the_table_have_both_figures() -> None:
    evaluation = scored((ABC, RASH, "Bind"))
    record = evaluation.to_record()
    assert list(record) == [
        "task", "metric", "documents", "entity", "relation", "strict", "untyped",
    ]  # fmt: skip
    assert record["untyped"]["relation"]["tp"] == 1
    assert evaluation.official.relation.by_label()["Bind"].fn == 1
    assert evaluation.table().row_count == 6


def test_a_document_without_prediction_is_missed() -> None:
    assert relation_counts(evaluate(gold_of(*RELATED), [])) == ((0, 0, 2), (0, 0, 2))


@given(st.lists(annotated_texts(), min_size=1, max_size=3))
def test_gold_against_itself_is_perfect(texts: list[AnnotatedText]) -> None:
    items = [replace(text, id=str(number)) for number, text in enumerate(texts)]
    gold = GoldDataset(BIORED, tuple(read_document(item, BIORED) for item in items))
    extractions: list[Extraction] = [document.extraction for document in gold.documents]
    for score in evaluate(gold, extractions).to_record().values():
        if isinstance(score, dict):
            for part in [score] if "tp" in score else score.values():
                assert part["fp"] == part["fn"] == 0
