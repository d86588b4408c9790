import pytest

from keci.data.datasets import load_dataset
from keci.data.predictions import load_predictions
from keci.errors import DataError
from keci.schema import ADE, BIORELEX
from tests.keci.data.annotations import annotate, entity, sentence, write_json, write_jsonl

TEXT = "Fos binds Jun"


def tokens(*words, **more):
    return {"tokens": list(words), "entities": [], "relations": [], **more}


def test_own_predictions_come_back_as_written(tmp_path):
    extraction = annotate(TEXT, [(0, 3, "protein"), (10, 13, "virus")], [(0, 1, "bind")])
    path = write_jsonl(tmp_path / "x", [extraction.to_record()])
    assert load_predictions(path, BIORELEX) == (extraction,)


def test_no_predictions_at_all_are_allowed(tmp_path):
    assert load_predictions(write_json(tmp_path / "x", []), BIORELEX) == ()


def test_biorelex_predictions_take_their_text_from_gold(tmp_path):
    record = sentence(TEXT, [entity("protein", Fos=[(0, 3)])], [])
    gold = load_dataset(write_json(tmp_path / "gold", [record]), BIORELEX)
    bare = {key: record[key] for key in ("id", "entities", "interactions")}
    (prediction,) = load_predictions(write_json(tmp_path / "x", [bare]), BIORELEX, gold=gold)
    assert prediction == gold.documents[0].extraction


def test_spert_predictions_without_id_are_found_by_text(tmp_path):
    gold_records = [tokens("a", orig_id=5), tokens("b", orig_id=6), tokens("a", orig_id=7)]
    gold = load_dataset(write_json(tmp_path / "gold", gold_records), ADE)
    path = write_json(tmp_path / "x", [tokens("b"), tokens("a"), tokens("a")])
    assert [item.id for item in load_predictions(path, ADE, gold=gold)] == ["6", "5", "7"]
    assert [item.id for item in load_predictions(path, ADE)] == ["1", "2", "3"]
    surplus = write_json(tmp_path / "y", [tokens("b"), tokens("b")])
    with pytest.raises(DataError, match="record 2: no gold sentence is left with the text 'b'"):
        load_predictions(surplus, ADE, gold=gold)


def test_two_predictions_with_one_id_are_refused(tmp_path):
    record = annotate(TEXT, []).to_record()
    with pytest.raises(DataError, match="second record has the id 'd1'"):
        load_predictions(write_jsonl(tmp_path / "x", [record, record]), BIORELEX)
