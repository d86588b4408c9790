from dataclasses import replace
from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("onnxscript")

from safetensors.torch import load_file

from keci.batch import BatchBuilder
from keci.config import VARIANTS, ModelConfig
from keci.documents import Document
from keci.errors import BundleError
from keci.export.exporter import export_run
from keci.knowledge.vocabularies import Knowledge
from keci.model.bundle_weights import bundle_weights
from keci.prediction import to_tensors
from keci.runtime.bundle import GRAPH_FILE
from keci.training.checkpoint import BEST_FILE, load_run, write_tensors
from tests.tiny import CONFIG, knowledge_config, tiny_knowledge_base
from tests.tiny_network import tiny_network
from tests.tiny_run import write_tiny_run

TEXTS = ("rash after abc", "pain with drug, the abc-kinase had rash", "x")


def config(**changes: object) -> ModelConfig:
    return replace(knowledge_config(CONFIG, tiny_knowledge_base()), **changes)


CONFIGS = {
    "fusion": config(pair_context=8, name_kinds=True, final_inputs="fused+span"),
    "tokens": config(mix_layers=False, **VARIANTS["knowbert-attention"]),
}


@pytest.fixture(scope="module", params=CONFIGS)
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A run whose vectors are all different, as training makes them, and its bundle."""
    folder = tmp_path_factory.mktemp("exported")
    run, bundle = write_tiny_run(folder / "run", CONFIGS[request.param]), folder / "bundle"
    state = load_file(run / BEST_FILE)
    noise = {name: 0.05 * torch.randn_like(tensor) for name, tensor in state.items()}
    write_tensors(run / BEST_FILE, {name: state[name] + noise[name] for name in state})
    export_run(run, bundle, ("fp32", "int8"))
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
    network = tiny_network(CONFIGS["fusion"])
    with pytest.raises(BundleError, match=r"is of another architecture, \d+ weights: encoder"):
        bundle_weights(tiny_bundle / "fp32", tiny_bundle / GRAPH_FILE, network)
