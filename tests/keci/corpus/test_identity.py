"""Citations that are revised or deleted later, and ids that come twice."""

import logging
import os
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keci.corpus.census import SeenIds, citation_number
from keci.corpus.identity import IdRules
from keci.corpus.reader import CorpusReader
from keci.corpus.records import Record, Selection, Shard, Withdrawal
from keci.corpus.run.finished import open_finished, problems, summarise
from keci.corpus.run.layout import folder_layout
from keci.corpus.run.merging import merge_shards
from keci.documents import Failure
from keci.files import Disk
from tests.keci.corpus.corpora import contents, run_corpus, write_update

FILES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["1", "2", "3", "4"]), max_size=4),
        st.lists(st.sampled_from(["1", "2", "3", "4"]), max_size=2),
    ),
    min_size=1,
    max_size=4,
)


def read(paths: list[Path], rules: IdRules, **choices: object) -> list[Record]:
    selection = Selection(**choices)  # type: ignore[arg-type]
    return list(CorpusReader(list(map(str, paths)), selection=selection, rules=rules).read())


def outcomes(records: list[Record]) -> list[str]:
    return [
        f"{record.content.id} {record.content.reason}"
        if isinstance(record.content, Withdrawal | Failure)
        else record.content.id
        for record in records
    ]


@pytest.fixture
def updates(tmp_path: Path) -> list[Path]:
    return [
        write_update(tmp_path / "a.xml", revised=["1", "2", "3"], deleted=[]),
        write_update(tmp_path / "b.xml", revised=["2", "4"], deleted=["3"]),
        write_update(tmp_path / "c.xml", revised=["3", "5"], deleted=["5", "9"]),
    ]


def test_the_latest_citations_are_read(updates: list[Path]) -> None:
    records = read(updates, IdRules())
    assert outcomes(records) == [
        "1", "2 superseded", "3 deleted", "2", "4", "3", "5 deleted",
    ]  # fmt: skip
    assert records[1].content == Withdrawal(
        str(updates[0]), 2, "2", "superseded", str(updates[1]), 1
    )
    assert records[2].content == Withdrawal(str(updates[0]), 3, "3", "deleted", str(updates[1]))
    assert records[6].content == Withdrawal(str(updates[2]), 2, "5", "deleted", str(updates[2]))


def test_all_citations_can_be_read(updates: list[Path]) -> None:
    records = read(updates, IdRules("all"))
    assert outcomes(records) == ["1", "2", "3", "2", "4", "3", "5"]
    assert records[-1].after.repeated == 2
    unchecked = read(updates, IdRules("all", "unchecked"))
    assert unchecked[-1].after.repeated == 0


def test_a_version_supersedes_one_with_a_lower_number(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    citation = (
        "<PubmedArticle><MedlineCitation><PMID Version='{}'>7</PMID></MedlineCitation>"
        "</PubmedArticle>"
    )
    versions = "".join(citation.format(version) for version in (2, 3, 1))
    deletion = "<DeleteCitation><PMID Version='3'>7</PMID></DeleteCitation>"
    path.write_text(f"<PubmedArticleSet>{versions}</PubmedArticleSet>")
    assert outcomes(read([path], IdRules())) == ["7.2 superseded", "7.3", "7 superseded"]
    path.write_text(f"<PubmedArticleSet>{versions}{deletion}</PubmedArticleSet>")
    assert outcomes(read([path], IdRules())) == ["7.2", "7.3 deleted", "7 superseded"]


def test_only_pubmed_has_revisions(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"id": "3", "text": "a"}\n{"id": "3", "text": "b"}\n')
    update = write_update(tmp_path / "b.xml", revised=[], deleted=["3"])
    assert outcomes(read([lines, update], IdRules())) == ["3", "3"]


def test_repeated_ids_can_fail_or_get_a_suffix(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(f'{{"id": "{name}", "text": "t"}}\n' for name in "abaac"))
    assert outcomes(read([lines], IdRules(repeated="suffix"))) == ["a", "b", "a~2", "a~3", "c"]
    records = read([lines], IdRules(repeated="fail"))
    reason = f"the id 'a' came before, in '{lines}', record 1"
    assert outcomes(records) == ["a", "b", f"a {reason}", f"a {reason}", "c"]
    assert records[-1].after.repeated == 2
    kept = read([lines], IdRules())
    assert outcomes(kept) == ["a", "b", "a", "a", "c"]
    assert kept[-1].after.repeated == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("rule", ["keep", "suffix", "fail"])
def test_repeated_ids_are_found_in_a_pipe(
    tmp_path: Path, rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    update = write_update(tmp_path / "a.xml", revised=["1", "2", "1"], deleted=["2"])
    rules = IdRules("all", rule)
    expected = [record.content for record in read([update], rules)]
    feeder = threading.Thread(target=pipe.write_bytes, args=(update.read_bytes(),))
    feeder.start()
    found = read([pipe], rules)
    feeder.join()
    assert [record.content.id for record in found] == [content.id for content in expected]
    assert [type(record.content) for record in found] == [type(content) for content in expected]
    assert found[-1].after.repeated == 1
    assert "lists deleted citations" in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(files=FILES, of=st.integers(1, 3), limit=st.none() | st.integers(1, 6))
def test_shards_and_resumed_readers_agree_about_every_record(
    tmp_path: Path, files: list[tuple[list[str], list[str]]], of: int, limit: int | None
) -> None:
    paths = [
        write_update(tmp_path / f"{number}.xml", revised=revised, deleted=deleted)
        for number, (revised, deleted) in enumerate(files)
    ]
    whole = read(paths, IdRules(), limit=limit)
    assert outcomes(whole) == plainly(files, limit)
    shards = [read(paths, IdRules(), limit=limit, shard=Shard(k + 1, of)) for k in range(of)]
    assert [shards[place % of][place // of] for place in range(len(whole))] == whole
    for place, record in enumerate(whole, start=1):
        again = CorpusReader(list(map(str, paths)), selection=Selection(limit=limit))
        assert list(again.read(record.after)) == whole[place:]


def plainly(files: list[tuple[list[str], list[str]]], limit: int | None) -> list[str]:
    """The outcomes by the plain definition, over everything at once."""
    events = [
        (kind, pmid)
        for revised, deleted in files
        for kind, pmids in (("read", revised), ("delete", deleted))
        for pmid in pmids
    ]
    places = [place for place, (kind, _) in enumerate(events) if kind == "read"]
    events = events[: places[limit - 1] + 1] if limit and limit <= len(places) else events
    found = []
    for place, (kind, pmid) in enumerate(events):
        later = events[place + 1 :]
        if kind == "read" and ("delete", pmid) in later:
            found.append(f"{pmid} deleted")
        elif kind == "read":
            found.append(f"{pmid} superseded" if ("read", pmid) in later else pmid)
    return found


def test_a_run_accounts_for_every_record(updates: list[Path], tmp_path: Path) -> None:
    layout = folder_layout(tmp_path / "out", "jsonl", 3)
    manifest = run_corpus(updates, layout)
    assert manifest
    assert (manifest.taken, manifest.written, manifest.superseded, manifest.deleted) == (7, 4, 1, 2)
    run = open_finished(layout.folder)
    assert list(problems(run)) == []
    assert [item.id for item, _ in run.withdrawn()] == ["2", "3", "5"]
    assert [ordinal for _, ordinal in run.withdrawn()] == [1, 2, 6]
    assert summarise(run).withdrawn == Counter(superseded=1, deleted=2)
    assert "census" not in contents(layout.folder)


def test_shards_with_withdrawn_records_are_merged(updates: list[Path], tmp_path: Path) -> None:
    runs = []
    for number in (1, 2, 3):
        layout = folder_layout(tmp_path / f"shard{number}", "jsonl", 20)
        run_corpus(updates, layout, selection=Selection(shard=Shard(number, 3)))
        runs.append(open_finished(layout.folder))
    merged, whole = (folder_layout(tmp_path / name, "jsonl", 20) for name in ("merged", "whole"))
    merge_shards(runs, merged, Disk(), overwrite=False)
    run_corpus(updates, whole)
    assert contents(merged.folder) == contents(whole.folder)


def test_a_census_is_kept_for_the_next_process(
    updates: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="keci")
    path = tmp_path / "census"
    expected = read(updates, IdRules())

    def read_with_census(about: str) -> bool:
        caplog.clear()
        reader = CorpusReader(list(map(str, updates)))
        reader.take_census(path, about)
        assert list(reader.read()) == expected
        return "reading the ids" in caplog.text

    assert read_with_census("one")
    assert not read_with_census("one")
    assert read_with_census("other"), "a census of another run is taken again"
    path.write_bytes(b"torn")
    assert read_with_census("other"), "a damaged census is taken again"
    assert sorted(item.name for item in tmp_path.glob("census*")) == ["census"]


@pytest.mark.parametrize(
    ("document_id", "number"),
    [
        ("123", (123, 1)), ("123.2", (123, 2)), ("", (None, None)), ("x", (None, None)),
        ("1.x", (None, None)), ("²", (None, None)), ("9" * 30, (None, None)),
    ],
)  # fmt: skip
def test_ids_of_citations_are_numbers(
    document_id: str, number: tuple[int | None, int | None]
) -> None:
    assert citation_number(document_id) == number


def test_the_first_of_an_id_is_named() -> None:
    seen = SeenIds()
    assert seen.see("a", 0, 1) is None
    assert seen.see("b", 0, 2) is None
    fate = seen.see("a", 1, 5)
    assert fate
    assert (fate.input, fate.position, fate.turn) == (0, 1, 2)
    seen.close()
