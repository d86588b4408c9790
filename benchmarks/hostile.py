"""Do the attacks that are known still fail? Held of tried.

``python -m benchmarks.hostile [--kb kb/open] [--only WORD]``: every attack is a command line of
keci-extract, or of another command, in a folder of its own. It holds where the exit code is as
expected, nothing but one printable line or a log comes on stderr, the files that it reads are as
they were, and the bounds of memory and time are kept. With ``--kb`` the linker is given texts that
grow; POSIX only.
"""

import argparse
import functools
import gzip
import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.hostile_texts import linked
from keci.cli.options import errors_told

MODEL = Path(__file__).resolve().parent.parent / "models" / "ade"
MEMORY_MB = 1500
SECONDS = 120
RECORD = b'{"id": "a", "text": "rash after aspirin"}\n'
EXTRACTION = b'{"id": "a", "text": "rash", "entities": [], "relations": []}\n'
FAILURE = (
    b'{"source":"gone","position":1,"id":"a","reason":"r","excerpt":"e","ordinal":0,'
    b'"format":"jsonl","original":"{\\"text\\":\\"rash\\"}"}\n'
)
OVER = "which is read|where the output goes|cannot write|cannot read the input|two outputs"
"""What a command says that refuses to write, or to read what has no name."""

ENVIRONMENT = {**os.environ, "RUST_BACKTRACE": "0"}


@dataclass(frozen=True, slots=True)
class Attack:
    """``make`` fills the working folder; ``arguments`` follow ``program``; ``codes`` are right.

    ``says`` is in what stderr must say, so that nothing else can be what refused the attack;
    ``standard_input`` is a file.
    """

    name: str
    make: Callable[[], object]
    arguments: tuple[str, ...]
    codes: tuple[int, ...]
    says: str = ""
    program: str = "keci.cli.extract.command"
    standard_input: str = os.devnull


@dataclass(frozen=True, slots=True)
class Outcome:
    """``problem`` is empty where the attack was held."""

    name: str
    problem: str
    seconds: float
    megabytes: int


def _file(name: str, content: bytes) -> Callable[[], object]:
    return lambda: Path(name).write_bytes(content)


def _citations(filling: bytes, outside: bytes = b"") -> bytes:
    head = b"<PubmedArticleSet>"
    citation = (
        b"<PubmedArticle><MedlineCitation><PMID>%d</PMID><Article><ArticleTitle>T</ArticleTitle>"
        b"</Article></MedlineCitation>%s</PubmedArticle>"
    )
    return head + citation % (1, filling) + outside + citation % (2, b"") + b"</PubmedArticleSet>"


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 1)


def reader_attacks() -> Iterator[Attack]:
    """Inputs that cost more than their bytes, read by ``--dry-run``."""
    deep = b"[" * 100_000 + b"]" * 100_000
    entities = b"<!DOCTYPE x [<!ENTITY a 'aaaa'>" + b"".join(
        b"<!ENTITY a%d '%s'>" % (n, b"&a%s;" % (b"" if n == 1 else b"%d" % (n - 1)) * 10)
        for n in range(1, 12)
    )
    loop = b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
    contents: dict[str, tuple[str, bytes, tuple[int, ...]]] = {
        "10 M children of a citation": (
            "x.xml.gz", _packed(_citations(b"<a/>" * 10_100_000)), (1,),
        ),
        "elements outside records": (
            "x.xml.gz", _packed(_citations(b"", b"<a/>" * 5_000_000)), (1,),
        ),
        "names of elements": (
            "x.xml", _citations(b"".join(b"<a%d/>" % n for n in range(300_000))), (1,),
        ),
        "names of attributes": (
            "x.xml", _citations(b"".join(b"<a b%d=''/>" % n for n in range(300_000))), (1,),
        ),
        "an attribute of 20 MB": ("x.xml", _citations(b"<a b='%s'/>" % (b"x" * 20_000_000)), (1,)),
        "depth of XML": ("x.xml", _citations(b"<a>" * 5000 + b"</a>" * 5000), (1,)),
        "entities of entities": ("x.xml", entities + b"]>" + _citations(b"&a11;"), (0, 1)),
        "an external entity": ("x.xml", loop + _citations(b"&a;"), (0, 1)),
        "depth of JSON": ("x.jsonl", b'{"text": "a", "x": ' + deep + b"}\n", (1,)),
        "escapes": (
            "x.jsonl", b'{"text": "' + rb"\"" * 5_000_000 + b'", "x": ' + b"[" * 205 + b"\n", (1,),
        ),
        "short words": ("x.jsonl", b'{"text": "' + b"a " * 10_000_000 + b'"}\n', (0, 1)),
        "a word of a megabyte": ("x.jsonl", b'{"text": "' + b"a" * 1_000_000 + b'"}\n', (1,)),
        "a bomb of zeros": ("x.jsonl.gz", _packed(b"\0" * 100_000_000), (1, 2)),
        "a name of a field for the terminal": (
            "x.jsonl", b'{"text": 1, "\\u001b]0;x\\u0007": 2}\n' + b'{"\\u001b[2J": 1}\n', (1,),
        ),
        "an id for the terminal": ("x.jsonl", b'{"id": "\\u001b]0;x\\u0007", "text": 3}\n', (1,)),
    }  # fmt: skip
    for name, (file, content, codes) in contents.items():
        yield Attack(name, _file(file, content), (file, "--dry-run"), codes)


def target_attacks() -> Iterator[Attack]:
    """Command lines that would write over what they read, or cannot write at all."""
    taken = ("failures.jsonl", "withdrawn.jsonl", "run.json", "partial", "journal", "census")
    for ending in (*taken, "failures.jsonl.partial", "run.json.partial"):
        name = f"x.{ending}"
        yield Attack(
            f"an input called {name}", _file(name, RECORD), (name, "-o", "x", "--no-kb"), (2,), OVER
        )
    for option in ("--metrics", "-o"):
        yield Attack(
            f"{option} INPUT", _file("x", RECORD), ("x", option, "x", "--no-kb"), (2,), OVER
        )

    def linked() -> None:
        Path("x").write_bytes(RECORD)
        os.link("x", "y")

    def pipe(name: str) -> Callable[[], object]:
        def make() -> None:
            Path("x").write_bytes(RECORD)
            os.mkfifo(name)

        return make

    def symbolic() -> None:
        Path("x").write_bytes(RECORD)
        Path("victim").write_bytes(b"mine")
        Path("y.partial").symlink_to("victim")

    yield Attack("a hard link of the input", linked, ("x", "-o", "y", "--no-kb"), (2,), OVER)
    yield Attack("a link in the way", symbolic, ("x", "-o", "y", "--no-kb"), (2,), OVER)
    yield Attack(
        "metrics into a pipe", pipe("m"), ("x", "-o", "y", "--metrics", "m", "--no-kb"), (2,), OVER
    )
    yield Attack(
        "a journal that is a pipe", pipe("y.journal"), ("x", "-o", "y", "--no-kb"), (2,), OVER
    )
    long = "y" * 250
    for name, arguments in {
        "a name too long": ("x", "-o", long),
        "an input of 5,000 characters": ("y" * 5000, "-o", "x.out"),
        "metrics in no folder": ("x", "-o", "y", "--metrics", "no/m"),
        "an output in no folder": ("x", "-o", "no/y"),
        "retried failures of themselves": ("--retry-failures", "x.failures.jsonl", "-o", "x"),
    }.items():
        files = lambda: (_file("x", RECORD)(), _file("x.failures.jsonl", FAILURE)())  # noqa: E731  # one line each
        yield Attack(name, files, (*arguments, "--no-kb"), (2,), OVER)


def disguise_attacks() -> Iterator[Attack]:
    """Inputs and models under other names, links where no output is, numbers that are none."""

    def bundle() -> None:
        for name in ("x", "bundle/manifest.json", "bundle/int8/graph"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(RECORD)

    def output_with_link() -> None:
        Path("x.jsonl").write_bytes(EXTRACTION)
        Path("victim").write_bytes(b"mine")
        Path("y.jsonl.partial").symlink_to("victim")

    def run() -> None:
        Path("run").mkdir()
        Path("run/metrics.csv").write_bytes(b"epoch,loss,entity_f1\n1,2.0,50.0\n")

    plain = ("--no-kb", "--input-format", "jsonl")
    made = _file("x", RECORD)
    yield Attack(
        "standard input that is the output", made, ("-", "-o", "x", "--overwrite", *plain), (2,),
        OVER, standard_input="x",
    )  # fmt: skip
    graph = ("x", "-o", "y", "--model", "bundle", *plain, "--metrics", "bundle/int8/graph")
    forged = "y\n00:00:00 ERROR forged\x1b[31m"
    for name, make, arguments, says in (
        ("an input named by file://", made, ("file://x", "-o", "x", *plain), OVER),
        ("an output that is no URL of a file", made, ("x", "-o", "file://x"), "names no file"),
        ("metrics over a graph", bundle, graph, OVER),
        ("a link of convert", output_with_link, ("convert", "x.jsonl", "-o", "y.jsonl"), OVER),
        ("a name with lines of a log", made, (forged, "-o", "y"), "no file matches"),
        ("a limit beyond 64 bits", made, ("x", "-o", "y", "--limit", "9" * 30), "too large"),
        ("metrics without a name", made, ("x", "-o", "y", "--metrics", ""), "got nothing"),
        ("a zero device of mentions", made, ("x", "-o", "y", "--mentions", "/dev/zero"), ""),
    ):  # fmt: skip
        yield Attack(name, make, arguments, (2,), says)
    over = ("--run", "run", "-o", "run/metrics.csv")
    yield Attack("a report over what it reports", run, over, (2,), OVER, "keci.cli.view")
    deep = _file("deep.toml", b"a = " + b"[" * 50_000)
    mapped = ("x.jsonl", "--top", "1", "--mapping", "deep.toml")
    yield Attack(
        "a mapping that is nested deep",
        lambda: (deep(), _file("x.jsonl", EXTRACTION)()),
        mapped, (2,), "nested too deep", "keci.cli.graph",
    )  # fmt: skip
    scored = ("x.jsonl", "--task", "ade", "--data", "x.jsonl", "--output", "x.jsonl")
    yield Attack(
        "predictions over the annotated data", _file("x.jsonl", EXTRACTION), scored, (2,), OVER,
        "keci.cli.evaluate.evaluate",
    )  # fmt: skip


def other_attacks() -> Iterator[Attack]:
    """Other commands that would write over what they read."""

    def output() -> None:
        Path("x.jsonl").write_bytes(EXTRACTION)
        os.link("x.jsonl", "y.jsonl")

    for name, program, arguments in (
        ("keci-view over its input", "keci.cli.view", ("x.jsonl", "-o", "x.jsonl")),
        ("keci-view over a link of it", "keci.cli.view", ("x.jsonl", "-o", "y.jsonl")),
        ("keci-graph over its input", "keci.cli.graph", ("x.jsonl", "-o", "x.jsonl")),
        ("keci-graph into a folder in use", "keci.cli.graph", ("x.jsonl", "-o", ".")),
    ):
        says = "which is read|is not an empty folder"
        yield Attack(name, output, arguments, (2,), says, program)
    table = _file("t.csv", b"id,name,synonyms,type,definition\nC1,foo,bar,T109,\n")
    for target, says in (("t.csv", "Not a directory"), (".", "left untouched")):
        build = ("build", "table", "t.csv", "-o", target)
        yield Attack(f"keci-kb build over {target}", table, build, (2,), says, "keci.cli.kb.kb")


def bundle_attacks(model: Path) -> Iterator[Attack]:
    """A bundle whose graph or tokenizer was changed, with hashes that fit again."""
    onnx = importlib.import_module("onnx")

    def graph(change: Callable[[Any], None]) -> Callable[[Path], None]:
        def make(folder: Path) -> None:
            path = next(folder.glob("*/encoder.onnx"))
            found = onnx.load(path)
            change(found)
            onnx.save(found, path)

        return make

    def foreign(found: Any) -> None:
        found.graph.node[0].domain = "evil.ops"
        found.opset_import.append(onnx.helper.make_opsetid("evil.ops", 1))

    def outside(found: Any) -> None:
        tensor = found.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../../../etc/passwd"

    def loop(found: Any) -> None:
        found.graph.node.append(onnx.helper.make_node("Loop", ["a", "b"], ["c"]))

    def pattern(folder: Path) -> None:
        path = folder / "tokenizer.json"
        found = json.loads(path.read_bytes())
        replaced = {"type": "Replace", "pattern": {"Regex": "(x+x+)+y"}, "content": ""}
        path.write_text(json.dumps(found | {"normalizer": replaced}))

    for name, change, code, says in (
        ("operators of others", graph(foreign), 2, "evil.ops"),
        ("data of a graph outside the bundle", graph(outside), 2, "does not list"),
        ("a loop in a graph", graph(loop), 2, "may never end"),
        ("a tokenizer's pattern", pattern, 1, "cannot read a text"),
    ):
        make = functools.partial(_tampered, model, change)
        yield Attack(name, make, ("x", "--model", "bundle", "--no-kb", "-o", "y"), (code,), says)


def _tampered(model: Path, change: Callable[[Path], None]) -> None:
    folder = Path("bundle")
    shutil.copytree(model, folder)
    change(folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name in manifest["files"]:
        content = (folder / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        manifest["files"][name] = {"size": len(content), "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    text = {"id": "a", "text": f"rash after aspirin {'x' * 5000}."}
    Path("x").write_text(json.dumps(text) + "\n")


def tried(attack: Attack) -> Outcome:
    """Run an attack in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        start = os.getcwd()
        os.chdir(folder)
        try:
            attack.make()
            before = _contents()
            started = time.perf_counter()
            code, said, megabytes = _run(attack)
            seconds = time.perf_counter() - started
            changed = before != {name: _contents().get(name) for name in before}
        finally:
            os.chdir(start)
    problem = _problem(attack, code, said) or ("a file was changed" if changed else "")
    return Outcome(attack.name, problem, round(seconds, 1), megabytes)


def _problem(attack: Attack, code: int | None, said: str) -> str:
    if code is None:
        return f"it took more than {SECONDS} seconds"
    if code not in attack.codes:
        return f"exit code {code}: {said[-200:]!r}"
    if "Traceback" in said:
        return "a traceback"
    if not any(part in said for part in attack.says.split("|")):
        return f"refused for another reason: {said[-200:]!r}"
    if not all(line.isprintable() for line in said.split("\n")) or len(said) > 20_000:
        return "stderr is not printable and short"
    return ""


def _contents() -> dict[str, bytes]:
    files = (path for path in Path().rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


def _run(attack: Attack) -> tuple[int | None, str, int]:
    """Exit code (None after too long), stderr, and peak memory of a process with bounds."""
    command = [sys.executable, "-c", _LIMITED.format(program=attack.program), *attack.arguments]
    try:
        with Path(attack.standard_input).open("rb") as given:
            done = subprocess.run(
                command, stdin=given, capture_output=True, timeout=SECONDS, check=False,
                env=ENVIRONMENT,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, "", 0
    said, _, peak = done.stderr.decode("utf-8", "replace").rpartition("peak ")
    return done.returncode, said, int(peak or 0) // 1024


_LIMITED = (
    """
import atexit, resource, sys
atexit.register(lambda: sys.stderr.write(
    "peak " + open("/proc/self/status").read().split("VmHWM:")[1].split()[0]))
from {program} import main
"""
    f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_MB} << 20, {MEMORY_MB} << 20))\nmain()\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kb", type=Path, help="folder of a knowledge base, for the linker")
    parser.add_argument("--only", default="", help="attacks with this in their names")
    options = parser.parse_args()
    attacks = [*reader_attacks(), *target_attacks(), *disguise_attacks(), *other_attacks()]
    attacks += bundle_attacks(MODEL) if importlib.util.find_spec("onnx") else []
    outcomes = []
    for outcome in chain(
        (tried(attack) for attack in attacks if options.only in attack.name),
        (Outcome(*found) for found in linked(options.kb)) if options.kb else (),
    ):
        outcomes.append(outcome)
        figures = [outcome.seconds, outcome.megabytes]
        print(json.dumps([outcome.name, outcome.problem or "held", *figures]), flush=True)
    held = sum(not outcome.problem for outcome in outcomes)
    print(json.dumps({"held": held, "tried": len(outcomes)}))
    sys.exit(held < len(outcomes))


if __name__ == "__main__":
    with errors_told():
        main()
