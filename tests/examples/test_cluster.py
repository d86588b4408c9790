"""The files for containers, Slurm and Kubernetes, as far as they can be run without these."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.extraction import run as run_here
from tests.test_packaging import parse

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "examples" / "cluster"
SHARDS = 2


@pytest.mark.usefixtures("_as_before")
def test_slurm_shards_are_merged_into_what_one_run_writes(
    tmp_path: Path, tiny_kb_folder: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (programs / "srun").chmod(0o755)
    path = os.pathsep.join(map(str, (programs, Path(sys.executable).parent, os.environ["PATH"])))
    known = {**os.environ, "PATH": path, "KECI_KB": str(tiny_kb_folder)}
    texts = [{"id": f"d{number}", "text": f"Rash after {number} abc."} for number in range(7)]
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_bytes(b"\n".join(map(orjson.dumps, texts)))

    def run(*line: str | Path, **variables: str) -> None:
        subprocess.run([*map(str, line)], env={**known, **variables}, cwd=tmp_path, check=True)

    for number in range(1, SHARDS + 1):
        array = {"SLURM_ARRAY_TASK_ID": f"{number}", "SLURM_ARRAY_TASK_COUNT": f"{SHARDS}"}
        line = ("bash", CLUSTER / "extract.sbatch", corpus, "entities")
        run(*line, SLURM_CPUS_PER_TASK="1", **array)
    run("bash", CLUSTER / "merge.sbatch", "entities")
    kb = ("--kb", tiny_kb_folder)
    run_here(corpus, "--output-dir", tmp_path / "whole", "--threads", "1", *kb)
    merged, whole = (tmp_path / name / "part-00001.jsonl" for name in ("entities/all", "whole"))
    assert merged.read_bytes() == whole.read_bytes()


def documents(name: str) -> list[Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return list(yaml.safe_load_all((CLUSTER / name).read_text("utf-8")))


@pytest.mark.parametrize("name", ["extract.yaml", "serve.yaml"])
def test_pods_have_no_rights(name: str) -> None:
    pod = documents(name)[0]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    user = re.search(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert user
    assert pod["securityContext"]["runAsUser"] == int(user[1])
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_kubernetes_calls_commands_as_they_are() -> None:
    (job,) = documents("extract.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (shards,) = (item["value"] for item in container["env"] if item["name"] == "SHARDS")
    assert int(shards) == job["spec"]["completions"]
    (script,) = container["args"]
    line = [*container["command"], script.replace("exec ", "echo ", 1)]
    variables = {"PATH": os.environ["PATH"], "JOB_COMPLETION_INDEX": "4", "SHARDS": shards}
    said = subprocess.run(line, env=variables, capture_output=True, text=True, check=True).stdout
    assert "--shard 5/32" in said
    assert "shard-5 " in said
    parse(said.strip())
    deployment, service = documents("serve.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    parse(" ".join(container["command"]))
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]


def test_the_image_has_what_it_needs() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    for requirement in (*extras["serve"], *extras["parquet"]):
        assert f'"{requirement}"' in lines
    kept = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    needed = {"cli", "export", "keci", "models", "recipes", "pyproject.toml", "hatch_build.py"}
    assert needed <= kept
    assert all((ROOT / name).exists() for name in kept)
