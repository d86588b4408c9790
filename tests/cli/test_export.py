from pathlib import Path

from click.testing import CliRunner

from keci.cli.export import main


def test_only_default_asks_for_the_data_to_choose_by(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", str(tmp_path / "bundle"), "--only-default"])
    assert result.exit_code == 2
    assert "--only-default needs --data" in result.stderr
