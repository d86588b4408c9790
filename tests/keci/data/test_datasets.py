import logging

import pytest

from keci.data.datasets import load_dataset, off_boundary_mentions
from keci.errors import DataError
from keci.schema import ADE, BIORED, BIORELEX
from keci.text.words import find_words
from tests.keci.data.annotations import (
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


BIORED_XML = (
    "<collection><document><id>7</id><passage><offset>0</offset><text>Abc rash</text>"
    "<annotation><infon key='type'>ChemicalEntity</infon><infon key='identifier'>1,2</infon>"
    "<location offset='0' length='3'/><text>Abc</text></annotation>"
    "<annotation><infon key='type'>DiseaseOrPhenotypicFeature</infon>"
    "<infon key='identifier'>D</infon><location offset='4' length='4'/><text>rash</text>"
    "</annotation></passage><relation><infon key='type'>Association</infon>"
    "<infon key='entity1'>2</infon><infon key='entity2'>D</infon></relation>"
    "</document></collection>"
)
BIORED_PUBTATOR = (
    "\ufeff7|t|Abc rash\r\n7\t0\t3\tAbc\tChemicalEntity\t1,2\r\n"
    "7\t4\t8\trash\tDiseaseOrPhenotypicFeature\tD\r\n7\tAssociation\t2\tD\tNovel\r\n\r\n"
)
BIORED_JSON = """{
  "source": "own", "infons": {}, "documents": [{"id": "7", "passages": [{"offset": 0,
    "text": "Abc rash", "annotations": [
      {"infons": {"type": "ChemicalEntity", "identifier": "1,2"}, "text": "Abc",
       "locations": [{"offset": 0, "length": 3}]},
      {"infons": {"type": "DiseaseOrPhenotypicFeature", "identifier": "D"}, "text": "rash",
       "locations": [{"offset": 4, "length": 4}]}]}],
    "relations": [{"infons": {"type": "Association", "entity1": "2", "entity2": "D"}}]}]
}"""


@pytest.mark.parametrize("content", [BIORED_XML, BIORED_PUBTATOR, BIORED_JSON])
def test_biored_is_read_in_its_three_formats(content, tmp_path):
    path = tmp_path / "x"
    path.write_text(content, "utf-8", newline="")
    (document,) = load_dataset(path, BIORED).documents
    assert [(m.text, m.group) for m in document.extraction.mentions] == [
        ("Abc", "1"),
        ("Abc", "2"),
        ("rash", "D"),
    ]
    assert [(r.head, r.tail) for r in document.extraction.relations] == [("T2", "T3")]


def test_own_records_of_biored_have_concepts(tmp_path):
    extraction = annotate(TEXT, [(0, 3, "x"), (10, 13, "x")], [(0, 1, "Bind")], groups=["1", "2"])
    path = write_jsonl(tmp_path / "x", [extraction.to_record()])
    (document,) = load_dataset(path, BIORED).documents
    assert [(i.head_names, i.tail_names) for i in document.interactions] == [(("1",), ("2",))]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "7|t|Abc\n\n8|t|Abc\n8\t0\t2\tAbc\tGene\t1\n",
            "1 of 1 mentions end on their last character, not behind it: 'Abc' at 0:2 in 8",
        ),
        ("<collection>", "not well-formed XML"),
        ("<collection/>", "holds no records"),
        ('{"documents": [', "not valid JSON"),
        ('{"documents": [{}]}', "record 1: not a BioC document"),
    ],
)
def test_a_damaged_biored_file_says_where(content, problem, tmp_path):
    path = tmp_path / "x"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=problem):
        load_dataset(path, BIORED)
