"""Vectors of whole texts, by a pretrained encoder: the mean of its last states (Sec 2.4)."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from keci.model.encoder import Encoder, load_encoder

_TOKEN_BUDGET = 8192


class MeanTextEncoder:
    """Encodes texts as the mean of their tokens' last states, scaled to unit length.

    A text longer than the encoder reads at once is encoded in windows, whose tokens all count.
    """

    def __init__(self, name: str, *, device: str = "cpu") -> None:
        """Load the encoder ``name``; raises UsageError where it cannot be had."""
        transformer, tokenizer_json = load_encoder(name)
        self.name = name
        self.digest = _digest(transformer.state_dict(), tokenizer_json)
        self.width: int = transformer.config.hidden_size
        self._transformer = transformer.eval().to(device)
        self._device = device
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(Encoder(transformer, mix_layers=False).max_pieces)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of unit length, (texts, width)."""
        encodings = self._tokenizer.encode_batch(list(texts))
        windows = [
            (index, window.ids)
            for index, encoding in enumerate(encodings)
            for window in (encoding, *encoding.overflowing)
        ]
        sums = torch.zeros(len(texts), self.width)
        for batch in _batches(windows):
            owners = torch.tensor([index for index, _ in batch])
            sums.index_add_(0, owners, self._sum_states([ids for _, ids in batch]))
        vectors: npt.NDArray[np.float32] = functional.normalize(sums, dim=1).numpy()
        return vectors

    def _sum_states(self, rows: Sequence[Sequence[int]]) -> Tensor:
        columns = max(map(len, rows))
        ids = torch.zeros(len(rows), columns, dtype=torch.int64)
        mask = torch.zeros(len(rows), columns, dtype=torch.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
            mask[index, : len(row)] = 1
        ids, mask = ids.to(self._device), mask.to(self._device)
        states = self._transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        sums: Tensor = (states * mask[:, :, None]).sum(1).float().cpu()
        return sums


def _batches(windows: list[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
    """Windows of like length; a batch has at most the budget of pieces, padding included."""
    batch: list[tuple[int, list[int]]] = []
    for window in sorted(windows, key=lambda window: len(window[1])):
        if batch and (len(batch) + 1) * len(window[1]) > _TOKEN_BUDGET:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _digest(weights: dict[str, Tensor], tokenizer_json: str) -> str:
    digest = hashlib.sha256(tokenizer_json.encode())
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
