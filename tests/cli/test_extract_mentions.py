"""keci-extract with concept mentions that another program found."""

from pathlib import Path

import pytest

from keci.knowledge.base.folder import write_folder
from keci.knowledge.base.records import ConceptRecord
from keci.knowledge.base.store import knowledge_base_in_memory
from tests.cli.extraction import records, run

TEXT = "rash after abcillin"


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    """A knowledge base in which no name of the text occurs."""
    concepts = (
        ConceptRecord("UMLS:C0000001", "exanthem", ("T033",)),
        ConceptRecord("UMLS:C0000002", "antibiotic", ("T109",)),
    )
    base = knowledge_base_in_memory(concepts)
    write_folder(base.tables, tmp_path / "kb", description=base.manifest.description)
    return tmp_path / "kb"


@pytest.fixture
def metamap(tmp_path: Path) -> Path:
    path = tmp_path / "metamap.mmi"
    path.write_text(
        'note|MMI|9.0|exanthem|C0000001|[fndg]|["rash"-tx-1-"rash"-noun-0]|TX|0/4|\n'
        'note|MMI|8.0|antibiotic|C0000002|[orch]|["abc"-tx-1-"abcillin"-noun-0]|TX|11/8|\n'
    )
    return path


def concepts(tmp_path: Path, bundle: Path, *options: object) -> set[str]:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(f'{{"id": "note", "text": "{TEXT}"}}\n')
    result = run(source, "-o", output, "--model", bundle, *options)
    assert result.exit_code == 0, result.stderr
    (record,) = records(output)
    return {link["id"] for entity in record["entities"] for link in entity["concepts"]}


def test_mentions_of_metamap_replace_the_linker(
    kb: Path, metamap: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    assert concepts(tmp_path, tiny_bundle, "--kb", kb) == set()
    found = concepts(tmp_path, tiny_bundle, "--kb", kb, "--mentions", metamap)
    assert found
    assert found <= {"UMLS:C0000001", "UMLS:C0000002"}


def test_mentions_need_a_knowledge_base(metamap: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "note", "text": "rash"}\n')
    result = run(source, "--model", tiny_bundle, "--no-kb", "--mentions", metamap)
    assert result.exit_code == 2
    assert "--mentions names concepts of a knowledge base" in result.stderr
