import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keci.errors import UsageError
from keci.runtime.bundle import Manifest, read_manifest
from keci.runtime.precision import chosen_precision, is_good_enough, made_from

GOOD = {"entity_f1_loss": 0.3, "relation_f1_loss": -0.2, "neighbour_change": 0.0}
BAD = {**GOOD, "relation_f1_loss": 0.4}


@pytest.fixture
def manifest(tiny_bundle: Path) -> Manifest:
    return read_manifest(tiny_bundle)


def with_precisions(manifest: Manifest, default: str, **facts: dict[str, Any]) -> Manifest:
    return replace(manifest, precisions=facts, default_precision=default)


def test_what_loses_little_and_reads_alike_is_good_enough() -> None:
    assert is_good_enough(GOOD)
    assert not is_good_enough(BAD)
    assert not is_good_enough({**GOOD, "neighbour_change": 1e-3})
    assert not is_good_enough({}), "what was not measured"


def test_a_cpu_runs_the_bundle_s_default(manifest: Manifest) -> None:
    bundle = with_precisions(manifest, "int8", int8=GOOD, fp16=GOOD, fp32=GOOD)
    assert chosen_precision(bundle, None, "cpu") == "int8"
    assert chosen_precision(bundle, "fp16", "cpu") == "fp16"


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
@pytest.mark.parametrize(
    ("facts", "chosen"),
    [
        ({"int8": GOOD, "fp16": GOOD, "w8": GOOD, "fp32": GOOD}, "fp16"),
        ({"int8": GOOD, "fp16": BAD, "w8": GOOD, "fp32": GOOD}, "w8"),
        ({"int8": GOOD, "fp16": {}, "fp32": {}}, "fp32"),
        ({"int8": GOOD, "fp16": BAD}, "fp32"),
        ({"int8": {}}, "fp16"),
        ({"fp32": GOOD}, "fp32"),
    ],
)
def test_a_gpu_runs_what_it_has_kernels_for(
    manifest: Manifest, device: str, facts: dict[str, dict[str, Any]], chosen: str
) -> None:
    assert chosen_precision(with_precisions(manifest, "int8", **facts), None, device) == chosen


def test_integers_on_a_gpu_are_warned_of(
    manifest: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = with_precisions(manifest, "int8", int8=GOOD)
    with caplog.at_level(logging.WARNING, "keci"):
        assert chosen_precision(bundle, None, "cpu") == "int8"
        assert not caplog.messages
        assert chosen_precision(bundle, "int8", "cuda") == "int8"
    assert "no kernels for a GPU" in caplog.text


def test_tensorrt_is_given_no_integers(manifest: Manifest) -> None:
    bundle = with_precisions(manifest, "int8", int8=GOOD)
    with pytest.raises(UsageError, match="--precision fp16 is made for it"):
        chosen_precision(bundle, "int8", "tensorrt")


def test_an_unknown_precision_names_the_known_ones(manifest: Manifest) -> None:
    with pytest.raises(UsageError, match="no precision 'fp8', only fp32, int8, fp16"):
        chosen_precision(manifest, "fp8", "cpu")


@pytest.mark.parametrize(
    ("has", "source"),
    [(("int8", "fp32"), "fp32"), (("w8", "int8"), "w8"), (("int8",), "int8"), (("fp16",), None)],
)
def test_graphs_are_made_of_the_most_exact_weights(
    manifest: Manifest, has: tuple[str, ...], source: str | None
) -> None:
    bundle = with_precisions(manifest, has[0], **dict.fromkeys(has, GOOD))
    assert made_from(bundle) == source
    if source is None:
        with pytest.raises(UsageError, match="no precision 'fp32'"):
            chosen_precision(bundle, "fp32", "cpu")
    else:
        assert chosen_precision(bundle, "fp32", "cpu") == "fp32"
