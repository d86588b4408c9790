"""Our own JSON files with any one value replaced: read nevertheless, or refused; never a bug."""

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from keci.corpus.run.finished import open_finished, problems, summarise
from keci.corpus.run.journal import encode_entry, read_history, read_journal
from keci.corpus.run.layout import file_layout
from keci.errors import ConfigError, KeciError
from keci.graph.mapping import load_mapping
from keci.knowledge.base.folder import Manifest as BaseManifest
from keci.knowledge.base.folder import verify_folder
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.vectors.folder import verify_table
from keci.knowledge.vectors.table import VectorTable
from keci.runtime.bundle import read_bundle
from keci.schema import load_schema
from keci.training.recipes import read_recipe
from tests.keci.corpus.corpora import run_corpus, write_corpus
from tests.keci.knowledge.vector_tables import written_base, written_table

HEAD = b"epoch,loss,entity_f1,relation_f1,strict_entity_f1,strict_relation_f1\n"
WRONG: tuple[Any, ...] = (None, True, -1, 1.5, 2**70 * 1.0, "wide", "", [], [1], {}, {"a": 1})
GONE = object()
NO_JSON = (
    b"", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"[" * 9_000 + b"]" * 9_000,
    b"1" * 5_000, b'{"a": 1e999}', b'{"a": NaN}', b'{"a": 1} {}',
)  # fmt: skip


def mutations(record: Any) -> Iterator[Any]:
    """Copies of a JSON value, in each of which one value is another or gone, at any depth."""
    for path in _paths(record):
        for value in (*WRONG, GONE):
            yield _replaced(record, path, value)


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    yield ()
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = list(enumerate(value))[:2]
    for key, item in inner:
        yield from ((key, *path) for path in _paths(item))


def _replaced(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return None if value is GONE else value
    changed = copy.deepcopy(record)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    if value is GONE:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return changed


def check(path: Path, use: Callable[[], object]) -> int:
    """Use a folder with each mutation of the file at ``path``; how many were refused."""
    record = orjson.loads(path.read_bytes())
    use()
    refused = 0
    for changed in mutations(record):
        path.write_bytes(orjson.dumps(changed))
        try:
            use()
        except KeciError:
            refused += 1
        except Exception as error:
            pytest.fail(f"{error!r} at {_difference(record, changed)}")
    for content in NO_JSON:
        path.write_bytes(content)
        with pytest.raises(KeciError):
            use()
    path.write_bytes(orjson.dumps(record))
    return refused


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one:
            if one[name] != other.get(name, GONE):
                return f"{name}: {_difference(one[name], other.get(name, 'gone'))}"
    return f"{one!r} -> {other!r}"[:300]


def test_the_manifest_of_a_run(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "in.jsonl", 12, bad=(3,))
    layout = file_layout(tmp_path / "out.jsonl", None)
    run_corpus([corpus], layout)

    def use() -> None:
        run = open_finished(tmp_path / "out.jsonl")
        list(problems(run))
        summarise(run)

    assert check(layout.manifest, use) > 50


def test_the_journal_of_a_run(tmp_path: Path) -> None:
    facts = {"name": "part-00001.jsonl", "records": 3, "bytes": 10, "sha256": "0" * 64}
    state = {
        "cursor": {"source": 0, "position": 3, "read": 3, "taken": 3, "repeated": 0},
        **dict.fromkeys(("written", "failed", "withdrawn", "superseded", "part"), 1),
        **dict.fromkeys(("part_written", "spool_bytes", "failures_bytes", "withdrawn_bytes"), 0),
    }
    entries = [
        {"run": {"options": {"shard": "1/1", "format": "jsonl"}}},
        {"publishing": facts},
        {"part": facts, "state": state},
    ]
    path = tmp_path / "journal"
    path.write_bytes(b"".join(map(encode_entry, entries)))
    assert len(list(read_journal(path))) == 3
    assert read_history(path)
    refused = 0
    for number, entry in enumerate(entries):
        for changed in mutations(entry):
            lines = [*entries[:number], changed, *entries[number + 1 :]]
            path.write_bytes(b"".join(map(encode_entry, lines)))
            try:
                read_history(path)
            except KeciError:
                refused += 1
    assert refused > 100


def test_the_manifest_of_a_bundle(tiny_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_bundle, tmp_path / "bundle")
    assert check(tmp_path / "bundle" / "manifest.json", lambda: read_bundle(tmp_path / "bundle"))


def test_the_manifest_of_a_knowledge_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kb"
    written_base(folder, concepts=6)

    fingerprint = open_knowledge_base(folder).fingerprint
    # Anyone may write the fingerprint that a changed manifest ought to have.
    monkeypatch.setattr(BaseManifest, "fingerprint", property(lambda _: fingerprint))

    def use() -> None:
        verify_folder(folder)
        open_knowledge_base(folder).concept(0)

    assert check(folder / "manifest.json", use) > 50


def test_the_manifest_of_vectors(tmp_path: Path) -> None:
    base = written_base(tmp_path / "kb", concepts=6)
    rows = np.arange(len(base), dtype=np.int32)
    folder = written_table(
        tmp_path / "kb",
        base,
        np.ones((len(base), 4), dtype=np.float32),
        concept_rows=rows,
        type_rows=np.full(len(base.type_codes), -1, dtype=np.int32),
    )

    def use() -> None:
        verify_table(folder)
        VectorTable.open(folder, base).gather(rows)

    assert check(folder / "manifest.json", use) > 50


def test_the_scores_of_a_training_run(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from keci.training.crossval import Plan, Summary
    from keci.training.experiment import read_scores

    part = {"precision": 50.0, "recall": 40, "f1": 44.4}
    scores = {"protocol": "clean", "meaning": "m", "documents": 3, "entity": part, "relation": part}
    (tmp_path / "scores.json").write_bytes(orjson.dumps(scores))

    def use() -> None:
        plan = Plan(0, (1,))
        Summary(plan, dict.fromkeys(plan.members(), read_scores(tmp_path))).to_record()

    assert check(tmp_path / "scores.json", use) > 50


@pytest.mark.parametrize(
    "content",
    [
        b"", b"epoch,loss\n1,2\n", b"\xff\n\x00", b"a,b\n1\n", b"epoch\n" + b"9" * 5000 + b"\n",
        HEAD + b"one,2,3,4,5,6\n", HEAD + b"1,2,3\n", HEAD + b'1,"' + b"x" * 200_000 + b'",3\n',
    ],
)  # fmt: skip
def test_the_epochs_of_a_training_run(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("transformers")
    from keci.training.trainer import METRICS_FILE, read_metrics

    (tmp_path / METRICS_FILE).write_bytes(content)
    if not content:
        assert read_metrics(tmp_path) == []
        return
    with pytest.raises(KeciError, match="no table of epochs"):
        read_metrics(tmp_path)


@pytest.mark.parametrize("content", ["a = " + "[" * 50_000, "a = " + "9" * 5_000, "a = \xff", "="])
def test_toml_that_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content.encode("latin-1"))
    for read in (
        lambda: load_schema(str(path)),
        lambda: read_recipe(str(path), ()),
        lambda: load_mapping([path]),
        lambda: load_mapping([Path("/dev/zero")]),
    ):
        with pytest.raises(ConfigError):
            read()


def test_the_settings_of_a_training_run(tiny_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from keci.training.checkpoint import RunSettings

    shutil.copytree(tiny_run, tmp_path / "run")
    assert check(tmp_path / "run" / "run.json", lambda: RunSettings.read(tmp_path / "run")) > 50
