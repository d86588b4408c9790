import json
import math
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import torch

from benchmarks import throughput

KEYS = [
    "end_to_end_per_s",
    "encoder_only_per_s",
    "reference_per_s",
    "end_to_end_over_encoder",
    "speedup_over_reference",
    "peak_rss_mb",
    "padding_share",
    "gemm_peak_share",
    "stages_ms",
    "end_to_end_per_processor_s",
    "encoder_only_per_processor_s",
]
STAGES = {
    "tokenise", "link", "graph_build", "encode", "span_scores", "pair_scores", "span_gcn",
    "concept_gcn", "fusion", "final_scores", "decode", "write",
}  # fmt: skip


@pytest.fixture
def _same_threads() -> Iterator[None]:
    """Opening a bundle divides the threads of its process; undo it."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    texts = ("rash after abc. pain with abc kinase and abc.", "skin rash", "", "drug with pain.")
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps({"id": text, "text": text}) for text in texts))
    return path


@pytest.mark.usefixtures("_same_threads")
def test_a_run_prints_all_figures(
    tiny_run: Path,
    tiny_bundle: Path,
    tiny_kb_folder: Path,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--json", "--rounds", "1", "--threads", "1", "--corpus", str(corpus)]
    model = ["--model", str(tiny_bundle), "--run", str(tiny_run), "--kb", str(tiny_kb_folder)]
    monkeypatch.setattr("sys.argv", ["throughput", *options, *model])
    throughput.main()
    report = json.loads(capsys.readouterr().out)
    assert list(report)[: len(KEYS)] == KEYS
    assert report["stages_ms"].keys() >= STAGES
    assert report["reference_weights"] == "the model's"
    figures = [report[key] for key in KEYS if key not in ("stages_ms", "padding_share")]
    assert all(math.isfinite(figure) and figure > 0 for figure in figures)
    assert 0 <= report["padding_share"] < 1
