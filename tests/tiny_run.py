"""A training run's folder with a tiny random network, as keci-train would leave it."""

from dataclasses import replace
from pathlib import Path

import torch

from keci.config import VARIANTS, ModelConfig, TrainConfig
from keci.knowledge.base.folder import write_folder
from keci.knowledge.base.store import KnowledgeBase
from keci.model.encoder import save_architecture
from keci.model.network import Network
from keci.training.checkpoint import BEST_FILE, ENCODER_FOLDER, RunSettings, write_tensors
from tests.tiny import CONFIG, SCHEMA, knowledge_config, tiny_knowledge_base, tiny_tokenizer
from tests.tiny_network import tiny_network

_WITH_KNOWLEDGE = knowledge_config(CONFIG, tiny_knowledge_base())
WIDER_CONFIG = replace(
    _WITH_KNOWLEDGE,
    pair_context=8,
    name_kinds=True,
    final_inputs="fused+span",
    hidden_layers=2,
)
TOKEN_CONFIG = replace(_WITH_KNOWLEDGE, mix_layers=False, **VARIANTS["knowbert-attention"])


def write_tiny_run(
    folder: Path, config: ModelConfig | None = None, *, all_differ: bool = False
) -> Path:
    """A run of the tiny network; by default with the vocabularies of the tiny knowledge base.

    With ``all_differ`` no two of its vectors are the same, as after training, so that a vector that
    is taken for another is noticed.
    """
    base = tiny_knowledge_base()
    config = config or knowledge_config(CONFIG, base)
    network = tiny_network(config)
    if all_differ:
        _make_all_differ(network)
    _make_talkative(network)
    folder.mkdir(parents=True)
    settings = RunSettings(
        "tiny",
        SCHEMA,
        config,
        TrainConfig(),
        {"name": base.name, "fingerprint": base.fingerprint},
        {},
    )
    settings.write(folder)
    transformer = network.encoder.transformer
    save_architecture(transformer, tiny_tokenizer().to_str(), folder / ENCODER_FOLDER)
    write_tensors(folder / BEST_FILE, network.state_dict())
    return folder


def _make_all_differ(network: Network) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


def _make_talkative(network: Network) -> None:
    """Lower the scores of "none", so that random weights find mentions and relations."""
    stages = network.spans.stages
    if "final_span_scorer" in stages:
        entities = stages["final_span_scorer"].classifier
        relations = stages["final_pair_scorer"].pairs
    else:
        entities, relations = stages["span_scorer"].classifier, stages["pair_scorer"]
    with torch.no_grad():
        for output in (entities[-1], relations.output[-1]):
            output.weight.mul_(20)
            output.bias[0] -= 1


def write_tiny_knowledge_base(folder: Path) -> KnowledgeBase:
    base = tiny_knowledge_base()
    write_folder(base.tables, folder, description=base.manifest.description)
    return base
