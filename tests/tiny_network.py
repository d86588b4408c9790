"""A tiny random encoder and network; importing this needs transformers."""

from pathlib import Path

import torch
from transformers import AutoModel, BertConfig, PreTrainedModel, PreTrainedTokenizerFast

from keci.config import ModelConfig
from keci.model.encoder import Encoder
from keci.model.network import Network, SpanNetwork
from keci.schema import TaskSchema
from tests.tiny import SCHEMA, VOCABULARY, tiny_tokenizer

MAX_PIECES = 512


def tiny_transformer(width: int = 16) -> PreTrainedModel:
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=MAX_PIECES,
    )
    transformer: PreTrainedModel = AutoModel.from_config(config)
    return transformer


def tiny_network(config: ModelConfig, *, seed: int = 1, schema: TaskSchema = SCHEMA) -> Network:
    torch.manual_seed(seed)
    encoder = Encoder(tiny_transformer(), mix_layers=config.mix_layers)
    return Network(encoder, SpanNetwork(config, schema, encoder_width=encoder.width)).eval()


def decisive_network(config: ModelConfig, *, seed: int = 13) -> Network:
    """A tiny network whose weights are large enough to find some mentions and relations."""
    network = tiny_network(config, seed=seed)
    with torch.no_grad():
        for module, factor in ((network.encoder, 5.0), (network.spans, 2.0)):
            for parameter in module.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(factor)
    return network


def save_tiny_encoder(folder: Path, *, width: int = 16) -> PreTrainedModel:
    """Write a folder that ``load_encoder`` reads, and return the transformer in it."""
    torch.manual_seed(1)
    transformer = tiny_transformer(width)
    transformer.save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer(),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    tokenizer.save_pretrained(folder)
    return transformer
