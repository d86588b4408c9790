import subprocess
import sys
from pathlib import Path

import orjson

PROGRAM = Path(__file__).parents[2] / "examples" / "add_negatives.py"
DRUG = {"id": "T1", "start": 0, "end": 7, "text": "Aspirin", "type": "Drug", "assertion": "present"}


def write(path: Path, *records: dict[str, object]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return path


def record(name: str, text: str, *entities: dict[str, object]) -> dict[str, object]:
    return {"id": name, "text": text, "entities": list(entities), "relations": []}


def read(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_sentences_without_the_types_are_added_to_what_is_trained_on(tmp_path: Path) -> None:
    data = [record(name, "Aspirin caused a rash.", DRUG) for name in ("a", "b", "c")]
    other = record("o", "Aspirin was given. Nothing else was done. All were well.", DRUG)
    ids = tmp_path / "validation.ids"
    ids.write_text("b\n")
    command = [
        sys.executable, str(PROGRAM), str(write(tmp_path / "data.jsonl", *data)),
        "--task", "ade", "--validation-ids", str(ids),
        "--negatives", "ade", str(write(tmp_path / "other.jsonl", other)), "Drug",
        "--output", str(tmp_path / "out"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "2 documents and 2 negatives to train on\n"
    train = read(tmp_path / "out" / "train.jsonl")
    assert train == [
        data[0],
        data[2],
        record("ade-o-19", "Nothing else was done."),
        record("ade-o-42", "All were well."),
    ]
    assert read(tmp_path / "out" / "validation.jsonl") == [data[1]]
    subprocess.run([*command, "--most", "1"], check=True)
    assert read(tmp_path / "out" / "train.jsonl") == train[:3]


def test_ids_that_the_data_lack_are_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "data.jsonl", record("a", "Aspirin caused a rash.", DRUG))
    ids = tmp_path / "validation.ids"
    ids.write_text("a\nz\n")
    command = [
        sys.executable, str(PROGRAM), str(data), "--task", "ade", "--validation-ids", str(ids),
        "--negatives", "ade", str(data), "Drug", "--output", str(tmp_path / "out"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "1 of the 2 validation ids are not in the data, such as 'z'" in done.stderr
    assert not (tmp_path / "out").exists()
