import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from keci.cli.kb.kb import main
from keci.knowledge.base.store import open_knowledge_base
from keci.knowledge.vectors.folder import table_names, vectors_folder
from keci.knowledge.vectors.table import open_tables
from tests.keci.knowledge.vector_tables import written_base


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    written_base(tmp_path / "kb")
    return tmp_path / "kb"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["embed", *map(str, arguments)])


def embedded(*arguments: object) -> dict[str, object]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    record: dict[str, object] = json.loads(result.stdout)
    return record


def test_vectors_are_trained_on_the_relations(kb: Path) -> None:
    pytest.importorskip("dgl")
    arguments = (kb, "--method", "distmult", "--dim", 8, "--epochs", 2, "--batch-size", 16)
    record = embedded(*arguments)
    assert (record["name"], record["kind"], record["width"]) == ("distmult-8", "relations", 8)
    assert table_names(kb) == ("distmult-8",)
    again = run(*arguments)
    assert again.exit_code == 2
    assert "--restart" in again.stderr
    assert embedded(*arguments, "--restart") == record


def test_definitions_are_encoded(kb: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from tests.tiny_network import save_tiny_encoder

    save_tiny_encoder(tmp_path / "tiny")
    record = embedded(kb, "--definitions", "--encoder", tmp_path / "tiny")
    assert (record["name"], record["width"]) == ("definitions-tiny", 16)
    narrow = embedded(kb, "--definitions", "--encoder", tmp_path / "tiny", "--dim", 3)
    assert (narrow["name"], narrow["width"]) == ("definitions-tiny-3", 3)
    like = vectors_folder(kb) / "definitions-tiny-3"
    shared = embedded(
        kb, "--definitions", "--encoder", tmp_path / "tiny", "--like", like, "--name", "shared"
    )
    assert shared["space"] == narrow["space"]


def test_vectors_are_imported(kb: Path, tmp_path: Path) -> None:
    (tmp_path / "my vectors.txt").write_text("X:1 1 2\nX:2 3 4\nX:404 5 6\n", "utf-8")
    result = run(kb, "--import", tmp_path / "my vectors.txt")
    assert result.exit_code == 0, result.output
    assert "unknown" in result.stdout
    base = open_knowledge_base(kb)
    (table,) = open_tables(kb, base, ["my-vectors"])
    assert table.manifest.made["unknown"] == 1
    (tmp_path / "bad.txt").write_text("X:1 1 2\nX:2 3\n", "utf-8")
    bad = run(kb, "--import", tmp_path / "bad.txt")
    assert bad.exit_code == 2
    assert "bad.txt:2: expected 2 numbers" in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--definitions", "--epochs", "3"], "--epochs does not go"),
        (["--synthetic"], "--synthetic does not go"),
        (["--import", __file__, "--dim", "3"], "--dim does not go"),
        (["--import", __file__, "--definitions"], "either --definitions or --import"),
        (["--definitions", "--like", ".", "--dim", "3"], "--like decides"),
        (["--name", ".."], "cannot name vectors"),
        (["--device", "cuda"], "finds no GPU"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    kb: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = run(kb, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_no_knowledge_base_is_wrong_usage(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "keci-kb build open" in result.stderr


def test_help_needs_no_torch() -> None:
    program = (
        "import sys\nfrom keci.cli.kb.kb import main\n"
        "try:\n    main(['embed', '--help'])\nexcept SystemExit:\n    pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
