import logging

import pytest

from keci.errors import DataError
from keci.schema import ADE, BIORELEX
from keci.text.words import find_words
from keci.training.datasets import load_dataset, off_boundary_mentions
from tests.keci.training.annotations import (
    annotate,
    entity,
    sentence,
    shared_file,
    write_json,
    write_jsonl,
)

TEXT = "Fos binds Jun-like"


def test_biorelex_splits_by_paper(tmp_path):
    records = [sentence(TEXT, [entity("protein", Fos=[(0, 3)])], [], paper_id="P9")]
    (document,) = load_dataset(write_json(tmp_path / "x", records), BIORELEX).documents
    assert (document.id, document.split_key) == ("s1", "P9")


def test_spert_is_known_by_its_id_or_its_place(tmp_path):
    records = [{"tokens": ["a"], "entities": [], "relations": []} for _ in range(2)]
    records[0]["orig_id"] = 41
    documents = load_dataset(write_json(tmp_path / "x", records), ADE).documents
    assert [(d.id, d.split_key) for d in documents] == [("41", "41"), ("2", "2")]


def test_own_records_keep_groups_and_gain_interactions(tmp_path):
    extraction = annotate(
        TEXT, [(0, 3, "protein"), (10, 13, "protein")], [(0, 1, "bind")], groups=["x", "y"]
    )
    path = write_jsonl(tmp_path / "x", [extraction.to_record()])
    (document,) = load_dataset(path, BIORELEX).documents
    assert document.extraction == extraction
    assert [(i.head_names, i.tail_names) for i in document.interactions] == [(("Fos",), ("Jun",))]


def test_unknown_types_and_odd_names_are_kept_and_reported(tmp_path, caplog):
    records = [sentence(TEXT, [entity("virus", Fox=[(0, 3)])], [])]
    dataset = load_dataset(write_json(tmp_path / "x", records), BIORELEX)
    (mention,) = dataset.documents[0].extraction.mentions
    assert (mention.type, mention.text) == ("virus", "Fox")
    assert "virus (1)" in caplog.text
    assert "1 mentions are named unlike the text they cover: 'Fox' in s1" in caplog.text


def test_mentions_off_word_boundaries_are_reported_and_kept(tmp_path, caplog):
    spans = entity("protein", Fo=[(0, 2)], Jun=[(10, 13)], un=[(11, 13)])
    dataset = load_dataset(write_json(tmp_path / "x", [sentence(TEXT, [spans], [])]), BIORELEX)
    with caplog.at_level(logging.WARNING):
        found = off_boundary_mentions(dataset, find_words)
    assert [(document_id, mention.text) for document_id, mention in found] == [
        ("s1", "Fo"),
        ("s1", "un"),
    ]
    assert "2 of 3 mentions begin or end inside a word: 'Fo' in s1" in caplog.text
    assert len(dataset.documents[0].extraction.mentions) == 3


def test_errors_name_file_and_record(tmp_path):
    good = sentence(TEXT, [], [])
    bad = {**sentence(TEXT, [], []), "entities": 3}
    with pytest.raises(DataError, match=r"x, record 2: 'entities' must be of type list"):
        load_dataset(write_json(tmp_path / "x", [good, bad]), BIORELEX)
    with pytest.raises(DataError, match="record 2: a second record has the id 's1'"):
        load_dataset(write_json(tmp_path / "x", [good, good]), BIORELEX)
    with pytest.raises(DataError, match="holds no records"):
        load_dataset(write_json(tmp_path / "x", []), BIORELEX)


def test_biorelex_train_has_the_published_counts():
    dataset = load_dataset(shared_file("biorelex/train.json"), BIORELEX)
    extractions = [document.extraction for document in dataset.documents]
    assert len(extractions) == 1405
    assert sum(len(extraction.mentions) for extraction in extractions) == 6925
    assert sum(len(document.interactions) for document in dataset.documents) == 2226
    assert len({document.split_key for document in dataset.documents}) == 1386
    assert off_boundary_mentions(dataset, find_words) == ()


def test_ade_train_relations_run_from_effect_to_drug():
    dataset = load_dataset(shared_file("ade/train.json"), ADE)
    assert len(dataset.documents) == 3843
    for document in dataset.documents:
        types = {mention.id: mention.type for mention in document.extraction.mentions}
        for relation in document.extraction.relations:
            assert (types[relation.head], types[relation.tail]) == ("Adverse-Effect", "Drug")
