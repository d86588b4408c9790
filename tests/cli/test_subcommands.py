from pathlib import Path

import pytest

from tests.cli.extraction import run

pytestmark = pytest.mark.usefixtures("_as_before", "_small_chunks")


def test_a_file_with_the_name_of_a_subcommand_is_read_as_a_path(
    corpus: Path, model: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus.rename(tmp_path / "verify")
    assert len(run("./verify", *model).stdout.splitlines()) == 13
    assert len(run(*model, "verify").stdout.splitlines()) == 13
    assert run("verify").exit_code == 2


def test_help_names_the_subcommands() -> None:
    shown = run("--help").stdout
    for name in ("verify", "merge", "report"):
        assert f"  {name} " in shown
        assert f"keci-extract {name}" in run(name, "--help").stdout
    assert "INPUT" in run().stderr
