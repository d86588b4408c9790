"""The same two mentions and relation in every layout that holds texts and mentions."""

import time
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from keci.data import tagged
from keci.data.datasets import load_dataset
from keci.data.gold import GoldDataset
from keci.data.layouts import Layout
from keci.documents import Extraction
from keci.errors import DataError, UsageError
from keci.formats.write import Format
from keci.schema import ADE, RelationType, TaskSchema
from tests.keci.data.annotations import annotate, write_json, write_jsonl

SCHEMA = TaskSchema("own", ("Effect", "Drug"), (RelationType("caused-by"),))
TEXT = "A rash after X1 ."
TOKENS = TEXT.split()
TAGS = ["O", "B-Effect", "O", "B-Drug", "O"]
MENTIONS = [(2, 6, "Effect"), (13, 15, "Drug")]


def seen(dataset: GoldDataset) -> tuple[str, list[tuple[int, int, str]], list[tuple[str, ...]]]:
    (document,) = dataset.documents
    extraction: Extraction = document.extraction
    types = {mention.id: mention.type for mention in extraction.mentions}
    return (
        extraction.text,
        [(mention.start, mention.end, mention.type) for mention in extraction.mentions],
        [(types[item.head], types[item.tail], item.type) for item in extraction.relations],
    )


DOCCANO = {
    "id": 4,
    "text": TEXT,
    "entities": [
        {"id": 9, "label": "Effect", "start_offset": 2, "end_offset": 6},
        {"id": 8, "label": "Drug", "start_offset": 13, "end_offset": 15},
    ],
    "relations": [{"id": 1, "from_id": 9, "to_id": 8, "type": "caused-by"}],
}
PRODIGY = {
    "text": TEXT,
    "spans": [
        {"start": 2, "end": 6, "label": "Effect"},
        {"start": 13, "end": 15, "label": "Drug"},
    ],
    "relations": [
        {
            "head_span": {"start": 2, "end": 6},
            "child_span": {"start": 13, "end": 15},
            "label": "caused-by",
        }
    ],
    "answer": "accept",
}
LABEL_STUDIO = {
    "id": 3,
    "data": {"text": TEXT},
    "annotations": [
        {"was_cancelled": True, "result": []},
        {
            "result": [
                {
                    "id": "e",
                    "type": "labels",
                    "value": {"start": 2, "end": 6, "text": "rash", "labels": ["Effect"]},
                },
                {
                    "id": "d",
                    "type": "labels",
                    "value": {"start": 13, "end": 15, "text": "X1", "labels": ["Drug"]},
                },
                {
                    "type": "relation",
                    "from_id": "d",
                    "to_id": "e",
                    "direction": "left",
                    "labels": ["caused-by"],
                },
            ]
        },
    ],
}
PUBANNOTATION = {
    "text": TEXT,
    "sourcedb": "PMC",
    "sourceid": "5",
    "denotations": [
        {"id": "T1", "span": {"begin": 2, "end": 6}, "obj": "Effect"},
        {"id": "T2", "span": {"begin": 13, "end": 15}, "obj": "Drug"},
    ],
    "relations": [{"id": "R1", "pred": "caused-by", "subj": "T1", "obj": "T2"}],
}
BIGBIO = {
    "id": "0",
    "document_id": "5",
    "passages": [
        {"id": "1", "type": "title", "text": ["A rash"], "offsets": [[0, 6]]},
        {"id": "2", "type": "abstract", "text": ["after X1 ."], "offsets": [[7, 17]]},
    ],
    "entities": [
        {"id": "3", "type": "Effect", "text": ["rash"], "offsets": [[2, 6]], "normalized": []},
        {
            "id": "4",
            "type": "Drug",
            "text": ["X1"],
            "offsets": [[13, 15]],
            "normalized": [{"db_name": "MESH", "db_id": "D1"}],
        },
    ],
    "events": [],
    "coreferences": [],
    "relations": [{"id": "5", "type": "caused-by", "arg1_id": "3", "arg2_id": "4"}],
}
DYGIE = {
    "doc_key": "d",
    "sentences": [TOKENS],
    "ner": [[[1, 1, "Effect"], [3, 3, "Drug"]]],
    "relations": [[[1, 1, 3, 3, "caused-by"]]],
}
TAGGED = {"id": "s", "tokens": TOKENS, "ner_tags": TAGS}
ROWS = zip(TOKENS, TAGS, strict=True)
CONLL = "# a comment\n" + "".join(f"{token}\tNN\t{tag}\n" for token, tag in ROWS)
ANN = (
    "T1\tEffect 2 6\trash\nT2\tDrug 13 15\tX1\nR1\tcaused-by Arg1:T1 Arg2:T2\t\n"
    "A1\tNegated T1\n#1\tAnnotatorNotes T1\ta note\nN1\tReference T2 MESH:D1\tX1\n"
)


@pytest.mark.parametrize(
    ("layout", "record"),
    [
        (Layout.DOCCANO, DOCCANO),
        (Layout.PRODIGY, PRODIGY),
        (Layout.LABEL_STUDIO, LABEL_STUDIO),
        (Layout.PUBANNOTATION, PUBANNOTATION),
        (Layout.BIGBIO, BIGBIO),
        (Layout.DYGIE, DYGIE),
    ],
)
@pytest.mark.parametrize("write", [write_json, write_jsonl])
def test_json_of_other_tools(
    layout: Layout, record: dict[str, Any], write: Any, tmp_path: Path
) -> None:
    dataset = load_dataset(write(tmp_path / "x", [record]), SCHEMA)
    text, mentions, relations = seen(dataset)
    assert (dataset.layout, text.replace("\n", " "), mentions) == (layout, TEXT, MENTIONS)
    assert relations == [("Effect", "Drug", "caused-by")]


def test_json_may_be_one_object_over_many_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(orjson.dumps(PUBANNOTATION, option=orjson.OPT_INDENT_2))
    assert seen(load_dataset(path, SCHEMA))[1] == MENTIONS


def test_json_may_be_several_objects_over_many_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    records = [{"id": name, "text": TEXT, "entities": []} for name in ("a", "b")]
    parts = [orjson.dumps(record, option=orjson.OPT_INDENT_2) for record in records]
    path.write_bytes(b"\n".join(parts))
    assert [document.id for document in load_dataset(path, SCHEMA).documents] == ["a", "b"]


@pytest.mark.parametrize("name", ["label", "labels"])
def test_lists_of_doccano(name: str, tmp_path: Path) -> None:
    records = [
        {"id": 1, "text": "none", name: []},
        {"id": 2, "text": TEXT, name: [[2, 6, "Effect"], [13, 15, "Drug"]]},
    ]
    dataset = load_dataset(write_jsonl(tmp_path / "x", records), SCHEMA)
    assert [len(document.extraction.mentions) for document in dataset.documents] == [0, 2]


@pytest.mark.parametrize("names", [("label", "head", "tail"), ("type", "from_id", "to_id")])
def test_mentions_without_all_that_keci_has(names: tuple[str, str, str], tmp_path: Path) -> None:
    kind, head, tail = names
    entities = [
        {"id": number, "start": start, "end": end, kind: name}
        for number, (start, end, name) in enumerate(MENTIONS)
    ]
    record = {"text": TEXT, "entities": entities,
              "relations": [{head: 0, tail: 1, kind: "caused-by"}]}  # fmt: skip
    dataset = load_dataset(write_jsonl(tmp_path / "x", [record]), SCHEMA)
    assert seen(dataset) == (TEXT, MENTIONS, [("Effect", "Drug", "caused-by")])


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_pairs_of_spacy(is_wrapped: bool, tmp_path: Path) -> None:
    pairs = [None, [TEXT, {"entities": list(MENTIONS)}]] if is_wrapped else [
        [TEXT, {"entities": list(MENTIONS)}]
    ]  # fmt: skip
    path = tmp_path / "x.json"
    path.write_bytes(orjson.dumps({"classes": [], "annotations": pairs} if is_wrapped else pairs))
    assert seen(load_dataset(path, SCHEMA)) == (TEXT, MENTIONS, [])


def test_labels_of_whole_texts_are_told(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "x", [{"id": 1, "text": TEXT, "label": ["good"]}])
    with pytest.raises(DataError, match="labels of whole texts"):
        load_dataset(path, SCHEMA)


def test_label_studio_counts_in_the_text_of_html(tmp_path: Path) -> None:
    value = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 0,
             "globalOffsets": {"start": 2, "end": 6}, "hypertextlabels": ["Effect"]}  # fmt: skip
    result = [{"id": "a", "type": "hypertextlabels", "value": value}]
    record = {"id": 1, "data": {"html": TEXT}, "annotations": [{"result": result}]}
    assert seen(load_dataset(write_json(tmp_path / "x", [record]), SCHEMA))[1] == MENTIONS[:1]


def test_prodigy_leaves_out_what_was_not_accepted(tmp_path: Path) -> None:
    records = [{**PRODIGY, "answer": "reject"}, PRODIGY]
    dataset = load_dataset(write_jsonl(tmp_path / "x", records), SCHEMA)
    assert [len(document.extraction.mentions) for document in dataset.documents] == [0, 2]
    assert len(dataset.documents[0].remarks) == 1


@pytest.mark.parametrize("separator", ["\t", " "])
@pytest.mark.parametrize("form", ["B-{}", "I-{}", "S-{}", "U-{}"])
def test_conll_in_its_tag_schemes(separator: str, form: str, tmp_path: Path) -> None:
    lines = CONLL.replace("B-Effect", form.format("Effect")).replace("\t", separator)
    path = tmp_path / "train.conll"
    path.write_text(f"-DOCSTART-{separator}O\n\n{lines}\n")
    assert seen(load_dataset(path, SCHEMA)) == (TEXT, MENTIONS, [])


def test_conll_mentions_of_several_tokens(tmp_path: Path) -> None:
    rows = "a B-Drug\nb I-Drug\nc B-Drug\nd I-Effect\ne E-Effect\nf O\ng L-Drug\n\nh O\n"
    path = tmp_path / "x.iob"
    path.write_text(rows)
    first, second = load_dataset(path, SCHEMA).documents
    assert [(mention.text, mention.type) for mention in first.extraction.mentions] == [
        ("a b", "Drug"),
        ("c", "Drug"),
        ("d e", "Effect"),
        ("g", "Drug"),
    ]
    assert (first.id, second.id) == ("1", "9")


def test_tokens_of_conllu_stand_in_the_second_column(tmp_path: Path) -> None:
    rows = zip(TOKENS, TAGS, strict=True)
    lines = [f"{number}\t{token}\t{token}\tX\t{tag}" for number, (token, tag) in enumerate(rows, 1)]
    path = tmp_path / "x.conllu"
    path.write_text("# text = x\n" + "\n".join(lines) + "\n")
    assert seen(load_dataset(path, SCHEMA)) == (TEXT, MENTIONS, [])
    path.write_text("1\tO\n2\tB-Drug\n")
    assert seen(load_dataset(path, SCHEMA))[:2] == ("1 2", [(2, 3, "Drug")])


def test_a_file_without_empty_lines_is_read_in_time_that_grows_as_it_does() -> None:
    content = "\n".join(f"{number}\tword\tword\tX\tO" for number in range(1, 20_001))
    started = time.process_time()
    (sentence,) = tagged.sentences(content.encode())
    assert sentence.tokens == ("word",) * 20_000
    assert time.process_time() - started < 5


def test_tagged_json(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "x", [TAGGED])
    assert seen(load_dataset(path, SCHEMA)) == (TEXT, MENTIONS, [])
    nameless = [{"tokens": TOKENS, "ner_tags": TAGS}] * 2
    found = load_dataset(write_jsonl(tmp_path / "z", nameless), SCHEMA)
    assert [document.id for document in found.documents] == ["1", "2"]
    numbers = write_jsonl(tmp_path / "y", [{**TAGGED, "ner_tags": [0, 1, 0, 2, 0]}])
    with pytest.raises(DataError, match="numbers must be replaced by the names"):
        load_dataset(numbers, SCHEMA)


def test_dygie_counts_tokens_of_the_document(tmp_path: Path) -> None:
    record = {
        "doc_key": "d",
        "sentences": [["One", "."], TOKENS],
        "ner": [[], [[3, 3, "Effect"], [5, 5, "Drug"], [1, 3, "Drug"]]],
        "relations": [[], [[3, 3, 5, 5, "caused-by"], [0, 0, 5, 5, "caused-by"]]],
    }
    dataset = load_dataset(write_jsonl(tmp_path / "x", [record]), SCHEMA)
    assert [item.id for item in dataset.documents] == ["d:0", "d:1"]
    assert {item.split_key for item in dataset.documents} == {"d"}
    second = dataset.documents[1]
    assert [mention.text for mention in second.extraction.mentions] == ["rash", "X1"]
    assert [remark.lost for remark in second.remarks] == ["mention", "relation"]


def test_a_folder_of_brat(tmp_path: Path) -> None:
    folder = tmp_path / "corpus" / "part"
    folder.mkdir(parents=True)
    (folder / "a b.txt").write_text(TEXT)
    (folder / "a b.ann").write_text(ANN + "E1\tEvent:T1 Theme:T2\n")
    dataset = load_dataset(tmp_path / "corpus", SCHEMA)
    assert seen(dataset) == (TEXT, MENTIONS, [("Effect", "Drug", "caused-by")])
    assert dataset.documents[0].id == "part/a b"
    assert [remark.reason for remark in dataset.documents[0].remarks] == ["events are left out"]
    (folder / "a b.txt").unlink()
    with pytest.raises(DataError, match=r"a b\.txt is missing"):
        load_dataset(tmp_path / "corpus", SCHEMA)


def test_brat_in_pieces_and_over_a_line_break(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A red\nrash on skin.")
    (tmp_path / "a.ann").write_text(
        "T1\tEffect 2 5;6 10\tred rash\nT2\tEffect 6 10;14 18\trash skin\n"
    )
    (document,) = load_dataset(tmp_path, SCHEMA).documents
    assert [mention.text for mention in document.extraction.mentions] == [
        "red\nrash",
        "rash on skin",
    ]
    assert [remark.example for remark in document.remarks] == ["'rash on skin' in a"]


def test_brat_as_we_write_it_is_read_back(tmp_path: Path) -> None:
    written = annotate(TEXT, MENTIONS, [(0, 1, "caused-by")], document_id="a/b 1")
    path = tmp_path / "x.zip"
    with path.open("wb") as file:
        Format("brat").write([written], file)
    assert load_dataset(path, SCHEMA).documents[0].id == "a/b 1"
    assert seen(load_dataset(path, SCHEMA))[1:] == (MENTIONS, [("Effect", "Drug", "caused-by")])
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    assert seen(load_dataset(folder, SCHEMA)) == seen(load_dataset(path, SCHEMA))


@pytest.mark.parametrize("line", ["T1\tEffect two 6\trash", "R1\tcaused-by T1 T2", "T1"])
def test_a_line_that_is_not_brats_is_told(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "a.ann").write_text(line)
    with pytest.raises(DataError, match=r"a\.ann: expected"):
        load_dataset(tmp_path, SCHEMA)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x", b"PAR1....", "Parquet"),
        ("x.spacy", b"x\x9c..", "DocBin"),
        ("x.csv", b"id,text\n1,a\n", "a table"),
        ("x.ann", b"T1\tDrug 0 1\ta\n", "one annotation file of brat"),
        ("x.txt", b"Some prose.\n", "plain text"),
        ("x", b"Some prose.\n", "begins like none of the layouts"),
        ("x", b"\nPMID- 1\nTI  - a\n", "MEDLINE"),
        ("x", b"TY  - JOUR\n", "RIS"),
        ("x", b'{"vertexSet": [], "sents": []}', "DocRED"),
        ("x", b"<corpus><document/></corpus>", "<collection>, got <corpus>"),
        ("x", b"PK\x03\x04....", "not a whole brat archive"),
        ("x.tsv", b"Rash\tB\nafter\tO\nX1\tB\n", "tags without types"),
        ("x", b'{"text": "a", "cats": {"A": 1}}', "categories of whole texts"),
        ("x", b'{"messages": []}\n{"messages": []}', "conversations"),
    ],
)
def test_other_formats_are_refused_by_name(
    name: str, content: bytes, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        load_dataset(path, ADE)


def test_a_folder_without_annotation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"without \.ann files"):
        load_dataset(tmp_path, ADE)


@pytest.mark.parametrize(
    "record",
    [
        {"data": {"text": "x"}, "annotations": [{"result": [{"type": "labels", "value": {}}]}]},
        {"text": "x", "denotations": [{"obj": "a", "span": 3}]},
        {"text": "x", "spans": [{"start": "1", "end": 2, "label": "a"}]},
        {"text": "x", "label": [[1, 2]]},
        {"doc_key": "d", "sentences": [["a"]], "ner": [[[0]]]},
    ],
)
def test_records_unlike_their_layout_say_so(record: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="record 1: "):
        load_dataset(write_jsonl(tmp_path / "x", [record]), SCHEMA)


def test_a_file_of_inclusive_ends_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text(f"1|t|{TEXT}\n1\t2\t5\trash\tEffect\tD1\n1\t13\t14\tX1\tDrug\tD2\n")
    with pytest.raises(DataError, match="2 of 2 mentions end on their last character"):
        load_dataset(path, SCHEMA)
