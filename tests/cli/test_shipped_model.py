"""The model that comes with the package, as a user without a knowledge base first meets it."""

from pathlib import Path

import pytest

from keci.runtime.bundle import read_bundle
from keci.runtime.shipped import shipped_models
from tests.cli.extraction import records, run

MODELS = Path(__file__).parents[2] / "models"


MOST_BYTES = 95e6
"""Of all shipped models together, so that they fit a package index."""


def test_the_shipped_bundles_are_whole_and_small() -> None:
    assert shipped_models() == ["ade", "biored", "biorelex"]
    manifests = [read_bundle(MODELS / name) for name in shipped_models()]
    assert sum(f.size for manifest in manifests for f in manifest.files.values()) < MOST_BYTES
    assert all(manifest.units for manifest in manifests)


def test_it_runs_without_a_knowledge_base_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KECI_KB", str(tmp_path / "absent"))
    text = tmp_path / "note.txt"
    text.write_text("A generalised rash appeared two days after amoxicillin was started.")
    result = run(text, "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 0, result.stderr
    assert "no knowledge base at" in result.stderr
    (record,) = records(tmp_path / "out.jsonl")
    found = {(entity["text"], entity["type"]) for entity in record["entities"]}
    assert ("amoxicillin", "ChemicalEntity") in found
    result = run(text, "-o", tmp_path / "ade.jsonl", "--model", "ade")
    assert result.exit_code == 0, result.stderr
    (record,) = records(tmp_path / "ade.jsonl")
    assert "amoxicillin" in {entity["text"] for entity in record["entities"]}
    assert [relation["type"] for relation in record["relations"]] == ["Adverse-Effect"]


def test_a_named_knowledge_base_must_exist(tmp_path: Path) -> None:
    text = tmp_path / "note.txt"
    text.write_text("Rash.")
    result = run(text, "--kb", tmp_path / "absent")
    assert result.exit_code == 2
    assert "there is no knowledge base at" in result.stderr
