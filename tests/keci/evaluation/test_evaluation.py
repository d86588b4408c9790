from dataclasses import replace
from io import StringIO

import orjson
import pytest
from rich.console import Console

from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset, GoldDocument, entity_interactions
from keci.data.predictions import load_predictions
from keci.errors import DataError
from keci.evaluation import evaluate
from keci.schema import ADE, BIORELEX, RelationType, TaskSchema
from tests.keci.data.annotations import annotate, shared_file

TEXT = "rash after aspirin"
RASH, ASPIRIN = (0, 4, "Adverse-Effect"), (11, 18, "Drug")
CAUSED = [(0, 1, "Adverse-Effect")]


def gold_of(schema, *extractions):
    documents = (GoldDocument(item, entity_interactions(item), item.id) for item in extractions)
    return GoldDataset(schema, tuple(documents))


def ade_document(document_id, mentions=(RASH, ASPIRIN), relations=CAUSED):
    return annotate(TEXT, mentions, relations, document_id=document_id)


def shown(evaluation):
    console = Console(width=100, file=StringIO())
    console.print(evaluation.table())
    return console.file.getvalue()


def test_ade_is_macro_over_types_beside_strict_micro():
    gold = gold_of(ADE, ade_document("1"), ade_document("2"))
    half = ade_document("2", [ASPIRIN, (0, 10, "Adverse-Effect")], [(1, 0, "Adverse-Effect")])
    record = evaluate(gold, [ade_document("1"), half]).to_record()
    relation = {"precision": 50.0, "recall": 50.0, "f1": 50.0}
    assert record == {
        "task": "ade",
        "metric": "ade",
        "documents": 2,
        "entity": {"precision": 75.0, "recall": 75.0, "f1": 75.0},
        "relation": relation,
        "strict": {
            "entity": {"tp": 3, "fp": 1, "fn": 1, "precision": 75.0, "recall": 75.0, "f1": 75.0},
            "relation": {"tp": 1, "fp": 1, "fn": 1, **relation},
        },
    }
    assert list(record) == ["task", "metric", "documents", "entity", "relation", "strict"]
    assert orjson.loads(orjson.dumps(record)) == record


def test_macro_and_micro_part_where_types_differ_in_number():
    gold = gold_of(ADE, ade_document("1"), ade_document("2", [ASPIRIN], []))
    evaluation = evaluate(
        gold, [ade_document("1", [ASPIRIN], []), ade_document("2", [ASPIRIN], [])]
    )
    assert evaluation.entity.f1 == 50
    assert evaluation.strict_entity.f1 == pytest.approx(80)
    assert (evaluation.relation.f1, evaluation.strict_relation.f1) == (0, 0)


def test_a_micro_task_has_its_strict_figures_twice():
    schema = TaskSchema("own", ("Drug",), (RelationType("x"),))
    document = annotate(TEXT, [ASPIRIN])
    record = evaluate(gold_of(schema, document), [document]).to_record()
    assert record["entity"] == record["strict"]["entity"]
    assert record["entity"]["tp"] == 1


def test_a_missing_document_is_missed_and_reported(caplog):
    gold = gold_of(ADE, ade_document("1"), ade_document("2"))
    evaluation = evaluate(gold, {"1": ade_document("1")})
    assert evaluation.missing_ids == ("2",)
    assert evaluation.strict_entity.to_record()["fn"] == 2
    assert "1 of 2 documents have no prediction: '2'" in caplog.text


def test_biorelex_skips_missing_sentences_and_says_so():
    mentions = [(0, 4, "protein"), (11, 18, "protein")]
    documents = [
        annotate(TEXT, mentions, [(0, 1, "bind")], document_id=name) for name in ("1", "2")
    ]
    evaluation = evaluate(gold_of(BIORELEX, *documents), documents[:1])
    record = evaluation.to_record()
    assert [record[key]["fn"] for key in ("entity", "relation")] == [0, 0]
    unskipped = record["missing_as_false_negative"]
    assert [unskipped[key]["fn"] for key in ("entity", "relation")] == [2, 1]
    assert record["strict"]["entity"]["fn"] == 2
    assert "missing = FN" in shown(evaluation)
    assert "missing = FN" not in shown(evaluate(gold_of(BIORELEX, *documents), documents))


def test_what_does_not_belong_together_is_refused():
    gold = gold_of(ADE, ade_document("1"))
    strangers = [ade_document(f"x{number}") for number in range(7)]
    with pytest.raises(DataError, match=r"7 of 7 predictions .* 'x0', .*'x4' and 2 more"):
        evaluate(gold, strangers)
    with pytest.raises(DataError, match="two predictions have the id '1'"):
        evaluate(gold, [ade_document("1"), ade_document("1")])
    with pytest.raises(DataError, match=r"another text .* expected 'rash after aspirin', got 'r'"):
        evaluate(gold, [replace(ade_document("1"), text="r")])


def test_nothing_at_all_scores_zero():
    record = evaluate(gold_of(BIORELEX), []).to_record()
    assert record["documents"] == 0
    assert record["entity"]["f1"] == 0


@pytest.mark.parametrize(
    ("file", "schema", "entities", "relations"),
    [("biorelex/train.json", BIORELEX, 6923, 2226), ("ade/train.json", ADE, None, None)],
)
def test_gold_against_itself_is_perfect(file, schema, entities, relations):
    path = shared_file(file)
    gold = load_dataset(path, schema)
    evaluation = evaluate(gold, load_predictions(path, schema, gold=gold))
    record = evaluation.to_record()
    perfect = {"precision": 100.0, "recall": 100.0, "f1": 100.0}
    if entities:
        assert record["entity"] == {"tp": entities, "fp": 0, "fn": 0, **perfect}
        assert record["relation"] == {"tp": relations, "fp": 0, "fn": 0, **perfect}
    else:
        assert record["entity"] == record["relation"] == perfect
    assert evaluation.strict_entity.f1 == evaluation.strict_relation.f1 == 100
