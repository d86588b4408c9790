import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from keci.errors import KnowledgeBaseError
from keci.knowledge.base.folder import verify_folder
from keci.knowledge.base.soundness import check_tables
from keci.knowledge.base.tables import Tables
from tests.tiny import tiny_knowledge_base
from tests.tiny_run import write_tiny_knowledge_base

ARRAYS = [
    item.name for item in fields(Tables) if item.name.endswith(("_splits", "_concepts", "_tails"))
]


def check(tables: Tables) -> None:
    base = tiny_knowledge_base()
    check_tables(tables, type_count=len(base.type_codes), relation_count=len(base.relation_names))


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("value", [0, -1, 2**30])
def test_overwritten_arrays_are_found(name: str, value: int) -> None:
    tables = tiny_knowledge_base().tables
    check(tables)
    array = np.array(getattr(tables, name))
    if value == 0 and not name.endswith("_splits"):
        array = array[:-1]
    else:
        array[-1:] = value
    if len(array) == len(getattr(tables, name)) == 0 or not getattr(tables, name)[-1:].any():
        pytest.skip("nothing of that kind is in the tiny base")
    with pytest.raises(KnowledgeBaseError, match=name.split("_")[0]):
        check(replace(tables, **{name: array}))


def test_recomputed_hashes_do_not_hide_it(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    write_tiny_knowledge_base(folder)
    verify_folder(folder)
    path = folder / "posting_splits.npy"
    np.save(path, np.zeros_like(np.load(path)))
    content = path.read_bytes()
    record = json.loads((folder / "manifest.json").read_text())
    record["files"][path.name]["sha256"] = hashlib.sha256(content).hexdigest()
    record.pop("fingerprint")
    canonical = {key: value for key, value in record.items() if key != "build"}
    text = json.dumps(canonical, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    record["fingerprint"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(record))
    with pytest.raises(KnowledgeBaseError, match="posting_splits"):
        verify_folder(folder)
