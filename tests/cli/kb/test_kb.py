import gzip
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from keci.cli.kb.kb import main
from tests.keci.knowledge.open_data import write_open_data
from tests.keci.knowledge.sources.umls_release import write_release
from tests.keci.knowledge.vector_tables import written_base, written_table


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    write_open_data(folder)
    return folder


@pytest.fixture(scope="module")
def kb(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kb") / "open"
    result = run("build", "open", "--output", str(folder), "--data", str(data))
    assert result.exit_code == 0, result.output
    return folder


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=text)


def test_build_reports_on_stderr_alone(data: Path, tmp_path: Path) -> None:
    result = run("build", "open", "-o", str(tmp_path / "kb"), "--data", str(data))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "concepts" in result.stderr


def test_build_without_wheels_says_what_to_install(tmp_path: Path) -> None:
    result = run("build", "open", "-o", str(tmp_path / "kb"), "--data", str(tmp_path))
    assert result.exit_code == 2
    assert f"--fetch gets what is pinned into {tmp_path}" in result.stderr
    missing = run("build", "open", "-o", str(tmp_path / "kb"), "--data", str(tmp_path / "none"))
    assert missing.exit_code == 2
    assert "--fetch makes it" in missing.stderr


@pytest.mark.parametrize("keeps", [True, False])
def test_build_fetches_what_it_reads(
    keeps: bool, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keci.knowledge.sources import fetching

    monkeypatch.setattr(
        fetching,
        "fetch_open_data",
        lambda folder: shutil.copytree(data, folder, dirs_exist_ok=True),
    )
    kept = ("--data", str(tmp_path / "data")) if keeps else ()
    result = run("build", "open", "-o", str(tmp_path / "made" / "kb"), "--fetch", *kept)
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["kb"]
    assert (tmp_path / "data").is_dir() == keeps


def test_info_shows_sources_and_licences(kb: Path) -> None:
    result = run("info", str(kb))
    assert result.exit_code == 0
    assert "Phenotype" in result.stdout
    record = json.loads(run("info", str(kb), "--json").stdout)
    assert record["counts"]["concepts"] > 10
    assert {"seconds", "peak_memory_mb"} <= record["build"].keys()
    assert all(source["licence"] for source in record["sources"])


def test_info_of_nothing_is_wrong_usage(tmp_path: Path) -> None:
    result = run("info", str(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert "keci-kb build open" in result.stderr


def test_the_default_folder_comes_from_the_environment(
    kb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KECI_KB", str(kb))
    assert run("info").exit_code == 0


def test_lookup_by_name_and_by_id_shows_merged_sources(kb: Path) -> None:
    by_name = json.loads(run("lookup", "--kb", str(kb), "Sulfonol", "--json").stdout)
    by_id = json.loads(run("lookup", "--kb", str(kb), "UNII:U1", "--json").stdout)
    assert by_name["concepts"] == by_id["concepts"]
    assert by_id["concepts"][0]["sources"] == ["CHEBI:3", "MESH:C3", "UNII:U1"]
    assert "CHEBI:3 MESH:C3 UNII:U1" in run("lookup", "--kb", str(kb), "sulfonol").stdout


def test_lookup_of_an_unknown_name_finds_nothing(kb: Path) -> None:
    result = run("lookup", "--kb", str(kb), "xyzzy")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no concept" in result.stderr


def test_link_of_a_text_gives_exact_offsets(kb: Path) -> None:
    text = "α-blue of  hearts"
    record = json.loads(run("link", "--kb", str(kb), "--text", text, "--json").stdout)
    assert [mention["text"] for mention in record["mentions"]] == ["α-blue", "hearts"]
    for mention in record["mentions"]:
        assert text[mention["start"] : mention["end"]] == mention["text"]
        assert {"id", "name", "types"} == mention["concepts"][0].keys()


def test_link_of_jsonl_keeps_ids_and_order(kb: Path) -> None:
    lines = [{"id": "b", "text": "heart"}, {"id": "a", "text": ""}]
    text = "\n".join(map(json.dumps, lines))
    result = run("link", "--kb", str(kb), "--jsonl", "-", "--json", text=text)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["id"] for record in records] == ["b", "a"]
    assert [len(record["mentions"]) for record in records] == [1, 0]


def test_link_reads_what_keci_extract_reads(kb: Path, tmp_path: Path) -> None:
    packed, pubmed = tmp_path / "in.jsonl.gz", tmp_path / "in.xml"
    packed.write_bytes(gzip.compress(b'\xef\xbb\xbf{"id": 7, "text": "heart"}\n'))
    pubmed.write_text(
        "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>8</PMID><Article><ArticleTitle>"
        "The heart</ArticleTitle></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    for path, identity in ((packed, "7"), (pubmed, "8")):
        result = run("link", "--kb", str(kb), "--input", str(path), "--json")
        assert result.exit_code == 0, result.stderr
        record = json.loads(result.stdout)
        assert (record["id"], [m["text"].lower() for m in record["mentions"]]) == (
            identity, ["heart"],
        )  # fmt: skip
    missing = run("link", "--kb", str(kb), "--input", str(tmp_path / "none.jsonl"))
    assert missing.exit_code == 2
    assert "none.jsonl does not exist" in missing.stderr


def test_link_prints_a_table_for_people(kb: Path) -> None:
    result = run("link", "--kb", str(kb), "--text", "the heart")
    assert "MESH:D2 Heart" in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a"}', "stdin, record 1: line 1: the field 'text' is missing"),
        ('{"id": "a", "text": "b"}\n{"id": "c", "text": 1}', "stdin, record 2"),
    ],
)
def test_a_bad_record_is_named_with_its_line(kb: Path, text: str, message: str) -> None:
    result = run("link", "--kb", str(kb), "--jsonl", "-", text=text)
    assert result.exit_code == 2
    assert message in result.stderr


def test_link_takes_mentions_from_metamap(tmp_path: Path) -> None:
    meta, net = write_release(tmp_path)
    umls, mmi = str(tmp_path / "umls"), tmp_path / "out.mmi"
    assert run("build", "umls", "--rrf", str(meta), "--net", str(net), "-o", umls).exit_code == 0
    trigger = '["petal"-tx-1-"leaf"-noun-0]'
    mmi.write_text(
        f"text|MMI|1.0|petal|C0000004|[plnt]|{trigger}|TX|3/4|\n"
        f"text|MMI|1.0|gone|C0000099|[plnt]|{trigger}|TX|3/4|\n"
    )
    result = run("link", "--kb", umls, "--text", "a leaf", "--mentions", str(mmi), "--json")
    (mention,) = json.loads(result.stdout)["mentions"]
    assert (mention["text"], mention["concepts"][0]["id"]) == ("leaf", "UMLS:C0000004")
    assert "1 candidates name concepts" in result.stderr


def test_link_reports_the_density_of_the_graphs(kb: Path, tmp_path: Path) -> None:
    text = '{"id": "a", "text": "ABC1 of pABC and ABC family"}\n{"id": "b", "text": ""}'
    path = tmp_path / "density.json"
    result = run("link", "--kb", str(kb), "--jsonl", "-", "--stats", str(path), "--json", text=text)
    assert result.exit_code == 0
    density = json.loads(path.read_text())
    assert density["texts"] == 2
    assert density["per_text"]["texts_with_related_concepts"] == 0.5
    assert density["edges"]["concepts"]["isa"] >= 1
    assert density["edges"]["types"]["has_type"] >= 2


@pytest.mark.parametrize("source", ["texts/a.jsonl", "texts", "texts/*.jsonl"])
def test_the_density_is_not_written_over_what_is_read(
    kb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = tmp_path / "texts" / "a.jsonl"
    texts.parent.mkdir()
    texts.write_text('{"id": "a", "text": "ABC1"}\n')
    before = texts.read_bytes(), (kb / "manifest.json").read_bytes()
    for target in (texts, kb / "manifest.json"):
        result = run("link", "--kb", str(kb), "--jsonl", source, "--stats", str(target))
        assert result.exit_code == 2
        assert "which is read" in result.stderr
    assert (texts.read_bytes(), (kb / "manifest.json").read_bytes()) == before


@pytest.mark.parametrize("arguments", [(), ("--text", "a", "--jsonl", "-")])
def test_link_wants_one_input(kb: Path, arguments: tuple[str, ...]) -> None:
    result = run("link", "--kb", str(kb), *arguments)
    assert result.exit_code == 2
    assert "--text or --input" in result.stderr


def test_verify_finds_a_changed_file(kb: Path, tmp_path: Path) -> None:
    copy = tmp_path / "kb"
    copy.mkdir()
    for path in kb.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert run("verify", str(copy)).exit_code == 0
    content = bytearray((copy / "names.utf8").read_bytes())
    content[0] ^= 1
    (copy / "names.utf8").write_bytes(content)
    result = run("verify", str(copy))
    assert result.exit_code == 2
    assert "names.utf8" in result.stderr


def test_verify_finds_changed_vectors(tmp_path: Path) -> None:
    base = written_base(tmp_path / "kb")
    rows = np.arange(len(base), dtype=np.int32)
    table = written_table(
        tmp_path / "kb",
        base,
        np.ones((len(base), 4), dtype=np.float32),
        concept_rows=rows,
        type_rows=np.full(len(base.type_codes), -1, dtype=np.int32),
        name="mine",
    )
    sound = run("verify", str(tmp_path / "kb"))
    assert sound.exit_code == 0, sound.stderr
    assert "with its vectors mine" in sound.stderr
    for name in ("vectors.npy", "concept_rows.npy", "type_rows.npy"):
        content = (table / name).read_bytes()
        (table / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        damaged = run("verify", str(tmp_path / "kb"))
        assert damaged.exit_code == 2
        assert name in damaged.stderr
        (table / name).write_bytes(content)


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("build",),
        ("build", "open"),
        ("info",),
        ("lookup",),
        ("link",),
        ("verify",),
        ("merge",),
        ("build", "umls"),
        ("build", "obo"),
    ],
)
def test_every_command_explains_itself_by_example(command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.stdout


def test_linking_needs_no_torch(kb: Path) -> None:
    import subprocess

    code = (
        "import sys; from keci.cli.kb.kb import main; "
        f"main(['link', '--kb', {str(kb)!r}, '--text', 'heart'], standalone_mode=False); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_umls_obo_and_their_union(kb: Path, tmp_path: Path) -> None:
    meta, net = write_release(tmp_path)
    umls, obo, both = (str(tmp_path / name) for name in ("umls", "obo", "both"))
    result = run("build", "umls", "--rrf", str(meta), "--net", str(net), "-o", umls)
    assert result.exit_code == 0, result.output
    (tmp_path / "x.obo").write_text("[Term]\nid: X:1\nname: petal rot\n")
    result = run("build", "obo", str(tmp_path / "x.obo"), "--type", "T047", "-o", obo)
    assert result.exit_code == 0, result.output
    assert run("merge", umls, obo, str(kb), "-o", both).exit_code == 0
    record = json.loads(run("link", "--kb", both, "--text", "petal rot, Aspirose", "--json").stdout)
    concepts = {mention["text"]: mention["concepts"][0]["id"] for mention in record["mentions"]}
    assert concepts == {
        "petal": "UMLS:C0000004",
        "petal rot": "X:1",
        "Aspirose": "UMLS:C0000001",
    }


def test_merge_wants_two(kb: Path, tmp_path: Path) -> None:
    result = run("merge", str(kb), "-o", str(tmp_path / "x"))
    assert result.exit_code == 2
    assert "at least two" in result.stderr
