"""A tiny random encoder and network; importing this needs transformers."""

import torch
from transformers import AutoModel, BertConfig, PreTrainedModel

from keci.config import ModelConfig
from keci.model.encoder import Encoder
from keci.model.network import Network, SpanNetwork
from keci.schema import TaskSchema
from tests.tiny import SCHEMA, VOCABULARY


def tiny_transformer() -> PreTrainedModel:
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    transformer: PreTrainedModel = AutoModel.from_config(config)
    return transformer


def tiny_network(config: ModelConfig, *, seed: int = 1, schema: TaskSchema = SCHEMA) -> Network:
    torch.manual_seed(seed)
    encoder = Encoder(tiny_transformer(), mix_layers=config.mix_layers)
    return Network(encoder, SpanNetwork(config, schema, encoder_width=encoder.width)).eval()


def decisive_network(config: ModelConfig) -> Network:
    """A tiny network whose weights are large enough to find some mentions and relations."""
    network = tiny_network(config, seed=1)
    with torch.no_grad():
        for module, factor in ((network.encoder, 5.0), (network.spans, 2.0)):
            for parameter in module.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(factor)
    return network
