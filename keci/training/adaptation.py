"""Adaptation of a general encoder to biomedical text before any task is trained.

Three losses share the encoder: the tags of annotated corpora by a linear head each, masked pieces
(Devlin et al. 2019), and names of one concept held close together (as SapBERT does, Liu et al.
2021). The heads are thrown away in the end; an encoder folder stays, for ``keci-train --encoder``.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from keci.config import TrainConfig
from keci.errors import BundleError, UsageError
from keci.fields import Fields
from keci.knowledge.base.store import KnowledgeBase
from keci.model.encoder import Encoder, load_encoder, prefer_trainable_attention, save_encoder
from keci.progress import ProgressDisplay, step_told
from keci.text.tokens import TextTokenizer
from keci.training.adaptation_settings import AdaptationSettings
from keci.training.checkpoint import read_json, read_tensors, write_json, write_tensors
from keci.training.synonyms import SynonymPairs
from keci.training.tagged_texts import (
    IGNORED,
    MaskedBatch,
    TaggedCorpora,
    batches_of_similar_length,
    mask_batch,
    read_tagged_corpora,
)
from keci.training.trainer import gains_from_bf16

_LOGGER = logging.getLogger(__name__)
STATE_FILE = "adaptation.json"
WEIGHTS_FILE = "adaptation-{step}.safetensors"
_TEMPERATURE = 0.07
_MOST_PIECES = 128
_SAVED_EVERY = 200
_MASK_TOKENS = ("[MASK]", "<mask>")


class AdaptedEncoder(nn.Module):
    """An encoder with the heads of the three losses."""

    def __init__(self, encoder: Encoder, tag_counts: tuple[int, ...]) -> None:
        super().__init__()
        self.transformer = encoder.transformer
        prefer_trainable_attention(self.transformer)
        width = encoder.width
        self.tag_heads = nn.ModuleList(nn.Linear(width, count) for count in tag_counts)
        self.piece_states = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.piece_bias = nn.Parameter(torch.zeros(len(self._piece_embeddings())))

    def states(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Shapes: (rows, columns) twice -> (rows, columns, width)."""
        outputs = self.transformer(input_ids=input_ids, attention_mask=attention_mask)
        states: Tensor = outputs.last_hidden_state
        return states

    def piece_logits(self, states: Tensor) -> Tensor:
        """Logits over the vocabulary, by the input embeddings: (n, width) -> (n, vocabulary)."""
        weight = self._piece_embeddings()
        return functional.linear(self.piece_states(states), weight, self.piece_bias)

    def _piece_embeddings(self) -> Tensor:
        weight: Tensor = self.transformer.get_input_embeddings().get_parameter("weight")
        return weight

    def tag_loss(self, states: Tensor, tags: Tensor, corpora: Tensor) -> Tensor:
        """Mean cross-entropy of the tags: (rows, columns, width), (rows, columns), (rows,)."""
        total, count = states.new_zeros(()), 0
        for corpus in sorted(set(corpora.tolist())):
            rows = corpora == corpus
            labels = tags[rows].flatten()
            known = labels != IGNORED
            if not bool(known.any()):
                continue
            logits = self.tag_heads[corpus](states[rows].flatten(0, 1)[known])
            total = total + functional.cross_entropy(logits.float(), labels[known], reduction="sum")
            count += int(known.sum())
        return total / max(count, 1)


def synonym_loss(first: Tensor, second: Tensor) -> Tensor:
    """InfoNCE in both directions: (pairs, width) twice, row i of each names one concept."""
    first, second = functional.normalize(first, dim=1), functional.normalize(second, dim=1)
    scores = first @ second.T / _TEMPERATURE
    wanted = torch.arange(len(scores), device=scores.device)
    both = functional.cross_entropy(scores, wanted) + functional.cross_entropy(scores.T, wanted)
    return both / 2


class Adaptation:
    """Trains the encoder for ``settings.steps`` steps; stops and resumes at any saved step."""

    def __init__(
        self,
        settings: AdaptationSettings,
        corpora: Sequence[Path],
        folder: Path,
        *,
        base: KnowledgeBase | None,
        show_progress: bool = False,
    ) -> None:
        """Raises UsageError where there are no corpora."""
        if not corpora:
            raise UsageError("adapting an encoder needs at least one corpus (--texts)")
        self.settings = settings
        self.folder = folder
        self.show_progress = show_progress
        with step_told(f"loading the encoder {settings.encoder}", is_shown=show_progress):
            transformer, tokenizer_json = load_encoder(settings.encoder)
        self.tokenizer = TextTokenizer(Tokenizer.from_str(tokenizer_json))
        self.mask_id = _mask_id(self.tokenizer)
        self.corpora = read_tagged_corpora(corpora, self.tokenizer, most_pieces=_MOST_PIECES)
        torch.manual_seed(settings.seed)
        self.model = AdaptedEncoder(Encoder(transformer, mix_layers=False), self.corpora.tag_counts)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(self.device)
        self.vocabulary = self.model.piece_bias.shape[0]
        self.synonyms = SynonymPairs(base, seed=settings.seed) if base else None
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=0.01, fused=True
        )
        self.uses_bf16 = gains_from_bf16(TrainConfig())
        self._description = {
            "settings": asdict(settings),
            "corpora": dict(zip(self.corpora.names, self.corpora.tag_counts, strict=True)),
            "knowledge_base": base.fingerprint if base else None,
        }

    def run(self, *, resume: bool) -> Path:
        """Adapt and save; the folder of the encoder. Raises UsageError on other settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        step = self._restore() if resume else 0
        order = _Order(self.corpora, self.settings)
        steps = self.settings.steps
        with ProgressDisplay(is_shown=self.show_progress) as progress:
            while step < steps:
                losses = self._train_step(step, order.texts_of(step))
                step += 1
                progress.update(f"step {step:,} of {steps:,}, {_shown(losses)}", step, steps)
                if step % _SAVED_EVERY == 0 and step < steps:
                    self._save(step)
        save_encoder(self.model.transformer, self.settings.encoder, self.folder / "encoder")
        write_json(self.folder / "encoder" / "keci-adaptation.json", self._description)
        return self.folder / "encoder"

    def _train_step(self, step: int, indices: list[int]) -> dict[str, float]:
        settings = self.settings
        torch.manual_seed(settings.seed * 10_007 + step)
        generator = np.random.default_rng((settings.seed, step, 1))
        batch = mask_batch(
            [self.corpora.texts[index] for index in indices],
            pad_id=self.tokenizer.pad_id,
            mask_id=self.mask_id,
            vocabulary=self.vocabulary,
            share=settings.mask_share,
            generator=generator,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate(step, settings)
        self.model.eval()  # no dropout: masked pieces are noise enough, and it costs time on a CPU
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.uses_bf16):
            losses = self._losses(step, batch)
        weights = {"tags": settings.tag_weight, "pieces": 1.0, "names": settings.synonym_weight}
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]  # torch's own annotation
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _losses(self, step: int, batch: MaskedBatch) -> dict[str, Tensor]:
        tensors = {
            name: torch.from_numpy(array).to(self.device) for name, array in _arrays(batch).items()
        }
        states = self.model.states(tensors["input_ids"], tensors["attention_mask"])
        masked = states.flatten(0, 1).index_select(0, tensors["masked"])
        losses = {
            "tags": self.model.tag_loss(states, tensors["tags"], tensors["corpora"]),
            "pieces": functional.cross_entropy(
                self.model.piece_logits(masked).float(), tensors["originals"]
            ),
        }
        if self.synonyms and self.settings.synonym_pairs:
            names = self.synonyms.batch(step, self.settings.synonym_pairs)
            losses["names"] = synonym_loss(*(self._name_states(side) for side in names))
        return losses

    def _name_states(self, names: list[str]) -> Tensor:
        """Mean piece states of names: (names, width)."""
        tokenizer = self.tokenizer
        pieces = [
            [*tokenizer.prefix_ids, *tokens.piece_ids.tolist()[:24], *tokenizer.suffix_ids]
            for tokens in tokenizer(names)
        ]
        columns = max(map(len, pieces))
        input_ids = torch.full((len(pieces), columns), tokenizer.pad_id)
        mask = torch.zeros_like(input_ids)
        for row, ids in enumerate(pieces):
            input_ids[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = 1
        mask = mask.to(self.device)
        states = self.model.states(input_ids.to(self.device), mask).float()
        return (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)

    def _save(self, step: int) -> None:
        moments = {
            f"{moment}:{name}": self.optimiser.state[parameter][moment]
            for name, parameter in self.model.named_parameters()
            for moment in self.optimiser.state.get(parameter, {})
        }
        weights = {f"model:{name}": value for name, value in self.model.state_dict().items()}
        write_tensors(self.folder / WEIGHTS_FILE.format(step=step), {**weights, **moments})
        write_json(self.folder / STATE_FILE, {**self._description, "step": step})
        for path in self.folder.glob("adaptation-*.safetensors"):
            if path.name != WEIGHTS_FILE.format(step=step):
                path.unlink()

    def _restore(self) -> int:
        path = self.folder / STATE_FILE
        if not path.is_file():
            return 0
        state: dict[str, Any] = read_json(path)
        step = Fields(state, f"{path}").count("step")
        del state["step"]
        if state != self._description:
            raise UsageError(f"{self.folder} was begun with other settings, corpora or knowledge")
        weights_path = self.folder / WEIGHTS_FILE.format(step=step)
        tensors = read_tensors(weights_path)
        weights = {
            name.removeprefix("model:"): value
            for name, value in tensors.items()
            if name.startswith("model:")
        }
        try:
            self.model.load_state_dict(weights)
        except RuntimeError as error:
            raise BundleError(f"{weights_path} has other weights than these: {error}") from error
        for name, parameter in self.model.named_parameters():
            for moment in ("step", "exp_avg", "exp_avg_sq"):
                if f"{moment}:{name}" in tensors:
                    value = tensors[f"{moment}:{name}"].to(self.device)
                    if moment != "step" and value.shape != parameter.shape:
                        raise BundleError(f"{weights_path}: {moment}:{name} has another shape")
                    self.optimiser.state[parameter][moment] = value
        return step


class _Order:
    """Which texts each step reads; epochs follow each other in new orders."""

    def __init__(self, corpora: TaggedCorpora, settings: AdaptationSettings) -> None:
        self.lengths = np.array([len(text.piece_ids) for text in corpora.texts])
        self.settings = settings
        self.epoch = -1
        self.first_step = 0
        self.batches: list[list[int]] = []

    def texts_of(self, step: int) -> list[int]:
        while step >= self.first_step + len(self.batches):
            self.first_step += len(self.batches)
            self.epoch += 1
            generator = np.random.default_rng((self.settings.seed, self.epoch, 2))
            budget = self.settings.piece_budget
            self.batches = batches_of_similar_length(self.lengths, budget, generator)
        return self.batches[step - self.first_step]


def _arrays(batch: MaskedBatch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in MaskedBatch.__slots__}


def _rate(step: int, settings: AdaptationSettings) -> float:
    warmup = max(round(settings.steps * settings.warmup_share), 1)
    falling = (settings.steps - step) / max(settings.steps - warmup, 1)
    return min((step + 1) / warmup, falling)


def _shown(losses: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())


def _mask_id(tokenizer: TextTokenizer) -> int:
    for token in _MASK_TOKENS:
        found = tokenizer.tokenizer.token_to_id(token)
        if found is not None:
            return int(found)
    raise UsageError(f"the encoder's tokenizer has no mask piece ({', '.join(_MASK_TOKENS)})")
