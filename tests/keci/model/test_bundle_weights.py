from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("onnxscript")

from keci.batch import BatchBuilder
from keci.documents import Document
from keci.errors import BundleError
from keci.knowledge.vocabularies import Knowledge
from keci.model.bundle_weights import bundle_weights
from keci.prediction import to_tensors
from keci.runtime.bundle import GRAPH_FILE
from keci.training.checkpoint import load_run
from tests.tiny import tiny_knowledge_base
from tests.tiny_network import tiny_network
from tests.tiny_run import WIDER_CONFIG

TEXTS = ("rash after abc", "pain with drug, the abc-kinase had rash", "x")


@pytest.fixture(params=["wider", "token"])
def exported(request: pytest.FixtureRequest) -> tuple[Path, Path]:
    """A run and its bundle."""
    run, bundle = (request.getfixturevalue(f"{request.param}_{what}") for what in ("run", "bundle"))
    return run, bundle


@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-4), ("int8", 0.05)])
def test_the_network_computes_what_was_exported(
    exported: tuple[Path, Path], precision: str, bound: float
) -> None:
    run, bundle = exported
    loaded = load_run(run)
    model = loaded.settings.model
    other = tiny_network(model, seed=99)
    other.load_state_dict(bundle_weights(bundle / precision, bundle / GRAPH_FILE, other))
    base = tiny_knowledge_base()
    builder = BatchBuilder(
        loaded.tokenizer, model, max_pieces=loaded.max_pieces, knowledge=Knowledge(base, model)
    )
    documents = [Document(str(number), text) for number, text in enumerate(TEXTS)]
    batch = to_tensors(builder.build(builder.prepare(documents)), torch.device("cpu"))
    with torch.inference_mode():
        expected, found = loaded.network(batch), other(batch)
    for name in ("token_states", "span_hidden", "entity_logits"):
        size = expected[name].square().mean().sqrt()
        assert (found[name] - expected[name]).square().mean().sqrt() < bound * size
    if precision == "fp32":
        for name, tensor in expected.items():
            assert torch.allclose(found[name].float(), tensor.float(), atol=1e-3), name


def test_another_architecture_is_refused(tiny_bundle: Path) -> None:
    network = tiny_network(WIDER_CONFIG)
    with pytest.raises(BundleError, match=r"is of another architecture, \d+ weights: encoder"):
        bundle_weights(tiny_bundle / "fp32", tiny_bundle / GRAPH_FILE, network)
