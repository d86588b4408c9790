"""What a shell is offered, asked as bash asks it."""

import subprocess
import sys
from importlib.metadata import entry_points

import click
import pytest
from click.testing import CliRunner

FILES = "file"


def offered(words: str) -> list[str]:
    """What may stand for the last of the words."""
    name = words.split(" ")[0]
    (script,) = entry_points(group="console_scripts", name=name)
    command: click.Command = script.load()
    environment = {
        f"_{name.upper().replace('-', '_')}_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    result = CliRunner().invoke(command, prog_name=name, env=environment)
    assert result.exit_code == 0, result.output
    lines = [line.split(",", 1) for line in result.output.splitlines()]
    return [FILES if kind == "file" else value for kind, value in lines]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("keci-extract v", [FILES, "verify"]),
        ("keci-extract ", [FILES]),
        ("keci-extract in.jsonl v", [FILES]),
        ("keci-extract verify --q", ["--quiet"]),
        ("keci-extract --model b", [FILES, "biored", "biorelex"]),
        ("keci-extract --output-format pub", ["pubtator", "pubtator.gz", "pubtator.zst"]),
        ("keci-extract --input-format med", ["medline"]),
        ("keci-extract --unit ", ["sentence", "document"]),
        ("keci-extract --assertion n", ["negated"]),
        ("keci-extract -o ", [FILES]),
        ("keci-train tu", ["tune"]),
        ("keci-train tune --pat", ["--patience"]),
        ("keci-train --task ", [FILES, "ade", "biorelex", "biored"]),
        ("keci-train --recipe a", [FILES, "ade"]),
        ("keci-train --recipe nosuch --vari", ["--variant"]),
        ("keci-train --encoder m", [FILES, "minilm", "mpnet"]),
        ("keci-evaluate att", [FILES, "attention"]),
        ("keci-evaluate ad", [FILES, "ade"]),
        ("keci-evaluate ade --task biorel", [FILES, "biorelex"]),
        ("keci-evaluate attention a", [FILES, "ade"]),
        ("keci-kb bu", ["build"]),
        ("keci-kb build o", ["obo", "open"]),
        ("keci-kb build open --f", ["--fetch"]),
    ],
)
def test_names_are_offered(words: str, expected: list[str]) -> None:
    assert offered(words) == expected


def test_completion_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from keci.cli.completion import *\n"
        "list(shipped_models()), list(output_formats()), list(tasks()), list(recipes())\n"
        "import keci.cli.train.train\n"
        "sys.exit(int('torch' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
