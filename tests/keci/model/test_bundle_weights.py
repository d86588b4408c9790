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
from keci.runtime.extractor import RuntimeOptions, open_extractor
from keci.runtime.shipped import find_bundle, shipped_models
from keci.stages import run_stages
from keci.training.checkpoint import load_run
from keci.training.trained import load_trained
from tests.tiny import tiny_knowledge_base
from tests.tiny_network import tiny_network
from tests.tiny_run import WIDER_CONFIG

ENCODER = Path(__file__).parents[3] / "models" / "encoder"
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


@pytest.mark.parametrize("model", shipped_models())
def test_training_goes_on_from_what_the_shipped_graphs_compute(model: str) -> None:
    loaded = load_trained(model, encoder=str(ENCODER))
    predictor = open_extractor(find_bundle(model), None, RuntimeOptions()).predictor
    builder = BatchBuilder(
        loaded.tokenizer, loaded.settings.model, max_pieces=loaded.max_pieces, knowledge=None
    )
    document = Document("d", "BRCA1 binds RAD51; a rash followed carbamazepine, which was stopped.")
    batch = to_tensors(builder.build(builder.prepare([document])), torch.device("cpu"))
    with torch.inference_mode():
        expected, found = run_stages(predictor.stages, batch), loaded.network(batch)
    for name in ("token_states", "entity_logits", "relation_logits", "final_entity_logits"):
        size = expected[name].square().mean().sqrt()
        assert (found[name] - expected[name]).square().mean().sqrt() < 0.05 * size, name


def test_another_architecture_is_refused(tiny_bundle: Path) -> None:
    network = tiny_network(WIDER_CONFIG)
    with pytest.raises(BundleError, match=r"is of another architecture, \d+ weights: encoder"):
        bundle_weights(tiny_bundle / "fp32", tiny_bundle / GRAPH_FILE, network)
