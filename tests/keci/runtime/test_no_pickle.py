"""Nothing is unpickled while texts are extracted: neither by KECI nor by what it builds on."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

import keci

FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve",
                     "marshal"}  # fmt: skip
SOURCES = sorted(
    path
    for folder in ("", "cli", "export")
    for path in (Path(keci.__file__).parent / folder).rglob("*.py")
)
WATCHED = """
import sys
def forbid(event, arguments):
    if event in ("pickle.find_class", "marshal.load") or (
        event == "marshal.loads" and not is_import(sys._getframe(1))
    ):
        sys.stderr.write(f"FORBIDDEN {event} {arguments!r:.80}\\n")
def is_import(frame):
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(("importlib", "_frozen_importlib",
                                                           "zipimport")):
            return True
        frame = frame.f_back
    return False
sys.addaudithook(forbid)
if len(sys.argv) == 1:
    import pickle, pathlib
    pickle.loads(pickle.dumps(pathlib.PurePath("a")))
    sys.exit()
import torch
def forbidden_load(*arguments, **settings):
    raise AssertionError("FORBIDDEN torch.load")
torch.load = torch.jit.load = forbidden_load
import numpy
whole_load = numpy.load
def load(*arguments, allow_pickle=False, **settings):
    assert not allow_pickle, "FORBIDDEN numpy.load"
    return whole_load(*arguments, allow_pickle=False, **settings)
numpy.load = load
from keci.cli.extract.command import main
folder = sys.argv.pop(1)
for unit in ("sentence", "document"):
    try:
        main([*sys.argv[1:], "--output-dir", f"{folder}/{unit}", "--unit", unit])
    except SystemExit as ended:
        assert not ended.code
"""


def test_the_watch_sees_unpickling() -> None:
    result = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, check=True)
    assert b"FORBIDDEN pickle.find_class" in result.stderr


def test_an_extraction_unpickles_nothing(
    tiny_bundle: Path, tiny_kb_folder: Path, tmp_path: Path
) -> None:
    corpus = tmp_path / "in.jsonl"
    corpus.write_bytes(orjson.dumps({"id": "a", "text": "rash after abc kinase."}) + b"\n")
    command = [
        sys.executable, "-c", WATCHED, str(tmp_path), str(corpus),
        "--model", str(tiny_bundle), "--kb", str(tiny_kb_folder), "--threads", "1",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    assert b"FORBIDDEN" not in result.stderr
    for unit in ("sentence", "document"):
        assert (tmp_path / unit / "manifest.json").is_file()


def test_no_module_imports_a_pickler() -> None:
    found = [(path.name, use) for path in SOURCES for use in pickling(path)]
    assert len(SOURCES) > 100
    assert found == []


def pickling(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from {name.split(".")[0] for name in names} & FORBIDDEN_MODULES
        code = ast.unparse(node) if isinstance(node, ast.Attribute | ast.keyword) else ""
        if code in ("torch.load", "torch.save") or (
            code.startswith("allow_pickle=") and code != "allow_pickle=False"
        ):
            yield code
