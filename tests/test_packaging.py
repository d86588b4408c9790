"""What pip installs: commands that start quickly, pins for every dependency, whole archives."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COMMANDS = sorted(PROJECT["scripts"])
SLOW_TO_IMPORT = {"torch", "transformers", "dgl", "onnxruntime", "accelerate"}

PROBE = """
import sys
from importlib.metadata import entry_points
name, *arguments = sys.argv[1:]
(script,) = entry_points(group="console_scripts", name=name)
sys.argv[:] = [name, *arguments]
try:
    script.load()()
finally:
    print("MODULES", *sys.modules, file=sys.stderr)
"""


def run(command: str, *arguments: str | Path) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """The finished command and the modules that it had imported."""
    line = [sys.executable, "-c", PROBE, command, *map(str, arguments)]
    finished = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    modules = re.search(r"^MODULES (.*)$", finished.stderr, re.MULTILINE)
    assert modules, finished.stderr
    return finished, set(modules[1].split())


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_installed(command: str) -> None:
    (script,) = entry_points(group="console_scripts", name=command)
    assert script.value == PROJECT["scripts"][command]
    assert callable(script.load())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_imports_nothing_slow(command: str) -> None:
    before = os.times().children_user
    finished, modules = run(command, "--help")
    processor_seconds = os.times().children_user - before
    assert finished.returncode == 0
    assert re.search(rf"Examples?:\s+(.*\n)*?.*{command} ", finished.stdout)
    assert not modules & SLOW_TO_IMPORT
    assert processor_seconds < 2


@pytest.mark.parametrize("command", COMMANDS)
def test_version_is_that_of_the_project(command: str) -> None:
    finished, modules = run(command, "--version")
    assert finished.returncode == 0
    assert PROJECT["version"] in finished.stdout
    assert not modules & SLOW_TO_IMPORT


def test_extraction_imports_no_training_code(
    tiny_bundle: Path, tiny_kb_folder: Path, tmp_path: Path
) -> None:
    texts, output = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    texts.write_text('{"id": "1", "text": "rash after abc"}\n', "utf-8")
    options = ("--model", tiny_bundle, "--kb", tiny_kb_folder, "-o", output)
    finished, modules = run("keci-extract", texts, *options)
    assert finished.returncode == 0, finished.stderr
    assert output.read_text("utf-8").count("\n") == 1
    assert "onnxruntime" in modules
    assert not modules & {"transformers", "dgl", "accelerate", "onnx", "keci.training"}


GUIDES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "models" / "README.md",
    *(ROOT / "docs").glob("*.md"),
)


def shown_commands() -> dict[str, str]:
    """Every call of a command in the guides, by the guide and its number there."""
    found = {}
    for guide in GUIDES:
        text = guide.read_text("utf-8").replace("\\\n", " ")
        calls = [line.strip() for line in text.splitlines() if re.match(r"\s*keci-\w+ ", line)]
        found |= {f"{guide.name}-{number}": call for number, call in enumerate(calls, start=1)}
    return found


def parse(line: str) -> None:
    """Raises click's UsageError where the command has no option of that name or value."""
    name, *arguments = shlex.split(line.split(" > ")[0], comments=True)
    (script,) = entry_points(group="console_scripts", name=name)
    command = script.load()
    while arguments and arguments[0] in _subcommands(command):
        command = _subcommands(command)[arguments.pop(0)]
    context = click.Context(command, info_name=name)
    given, _, _ = command.make_parser(context).parse_args(arguments)
    for parameter in command.params:
        value = given.get(parameter.name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(parameter.type, click.Choice) and isinstance(each, str):
                parameter.type.convert(each, parameter, context)


def _subcommands(command: click.Command) -> Mapping[str, click.Command]:
    if isinstance(command, click.Group):
        return command.commands
    return getattr(command, "subcommands", {})


@pytest.mark.parametrize("line", shown_commands().values(), ids=shown_commands())
def test_guides_call_commands_as_they_are(line: str) -> None:
    parse(line)


@pytest.mark.parametrize(
    "line", ["keci-extract in.jsonl --nonsense", "keci-extract in.jsonl --device tpu"]
)
def test_a_wrong_option_would_be_found(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(line)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_guides_link_to_files_that_are_there(guide: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", guide.read_text("utf-8"))
    assert [link for link in links if not (guide.parent / link).exists()] == []


def test_every_dependency_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["train"], *extras["export"], *extras["dev"]]
    names = {_distribution(requirement) for requirement in wanted}
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    assert names <= {_distribution(pin) for pin in pins}


def test_no_extra_brings_the_cpu_wheel_beside_the_default_one() -> None:
    extras = PROJECT["optional-dependencies"].values()
    required = {_distribution(requirement) for extra in extras for requirement in extra}
    assert "onnxruntime" not in required


def test_light_install_lists_the_default_dependencies_with_the_cpu_wheel() -> None:
    lines = (ROOT / "requirements" / "cpu.txt").read_text("utf-8").splitlines()
    light = {line for line in lines if line and not line.startswith("#")}
    default = {item for item in PROJECT["dependencies"] if not item.startswith("onnxruntime")}
    assert light == default | {"onnxruntime>=1.23"}


@pytest.mark.parametrize(
    "file",
    [
        "keci/knowledge/sources/open_data.txt",
        "requirements/encoders.txt",
        "requirements/encoder-mpnet.txt",
    ],
)
def test_data_wheels_are_pinned_by_hash(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    entries = re.sub(r"#.*", "", text).replace("\\\n", " ").split("\n")
    entries = [entry.strip() for entry in entries if entry.strip()]
    assert entries
    assert all(
        re.fullmatch(r"[\w.-]+==[\w.]+(\s+--hash=sha256:[0-9a-f]{64})+", entry) for entry in entries
    )


def test_wheel_is_the_same_from_the_tree_and_from_the_source_archive(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    tree = _copy_of_the_tree(tmp_path / "tree")
    from_tree = _names_in_wheel(_build(tree, "wheel", tmp_path / "wheel"))
    with tarfile.open(_build(tree, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    from_archive = _names_in_wheel(_build(unpacked, "wheel", tmp_path / "second"))
    assert from_tree == from_archive
    inside = {name for name in from_tree if not name.startswith("keci-")}
    assert {"keci/cli/extract/command.py", "keci/export/exporter.py", "keci/py.typed"} <= inside
    assert "keci/models/small/manifest.json" in inside
    assert "keci/knowledge/sources/open_data.txt" in inside
    assert all(name.startswith("keci/") and "__pycache__" not in name for name in inside)


def test_a_tree_without_links_is_not_built(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    tree = _copy_of_the_tree(tmp_path / "tree")
    link = tree / "keci" / "cli"
    link.unlink()
    link.write_text("../cli", "utf-8")  # as git checks a link out where there are none
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    done = subprocess.run(line, cwd=tree, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "keci/cli should be links to folders" in done.stderr + done.stdout
    assert not list((tmp_path / "out").glob("*.whl"))


@pytest.mark.parametrize("command", COMMANDS)
def test_short_help_is_understood(command: str) -> None:
    (script,) = entry_points(group="console_scripts", name=command)
    finished = CliRunner().invoke(script.load(), ["-h"])
    assert finished.exit_code == 0
    assert "--help" in finished.stdout


def _copy_of_the_tree(target: Path) -> Path:
    """The package with a tiny file in place of the shipped models."""
    target.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore", "hatch_build.py"):
        shutil.copy(ROOT / name, target)
    for name in ("keci", "cli", "export", "recipes"):
        shutil.copytree(ROOT / name, target / name, symlinks=True)
    model = target / "models" / "small"
    model.mkdir(parents=True)
    (model / "manifest.json").write_text("{}", "utf-8")
    return target


def _build(source: Path, kind: str, target: Path) -> Path:
    line = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(line, cwd=source, check=True, capture_output=True, timeout=120)
    (built,) = target.iterdir()
    return built


def _names_in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _distribution(requirement: str) -> str:
    """The normalised name of the distribution that a requirement names."""
    name = re.match(r"[\w.-]*\w", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()
