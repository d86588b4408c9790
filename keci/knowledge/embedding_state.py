"""How far the training of vectors has come, saved so that it goes on exactly there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from keci.errors import DataError, UsageError

_FILE = "state.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """The next batch: its epoch and its number in the epoch, from 0."""

    epoch: int = 0
    batch: int = 0


class EmbeddingState:
    """The unfinished training of one table in its own folder.

    The tensors lie in a file named after the progress; state.json, renamed into place last, names
    it, so that a death at any moment leaves a state that fits together.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """``settings`` are all that decides the outcome; a state of others is not gone on with."""
        self.folder = folder
        self.settings = dict(settings)

    def load(self) -> tuple[Progress, dict[str, Tensor]] | None:
        """Progress and tensors, None at the beginning.

        Raises UsageError where the state has other settings, DataError where it is damaged.
        """
        path = self.folder / _FILE
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text("utf-8"))
            if record["settings"] != self.settings:
                raise UsageError(
                    f"{self.folder} holds an unfinished training with other settings: "
                    f"{record['settings']}; finish it with those, or start anew with --restart"
                )
            progress = Progress(**record["progress"])
            return progress, load_file(self._tensors(progress))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            message = f"{self.folder} cannot be gone on with ({error}); start anew with --restart"
            raise DataError(message) from error

    def save(self, progress: Progress, tensors: Mapping[str, Tensor]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._tensors(progress)
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, path)
        partial = self.folder / f"{_FILE}.partial"
        position = {"epoch": progress.epoch, "batch": progress.batch}
        partial.write_text(json.dumps({"settings": self.settings, "progress": position}), "utf-8")
        partial.replace(self.folder / _FILE)
        for old in self.folder.glob("*.safetensors"):
            if old != path:
                old.unlink()

    def _tensors(self, progress: Progress) -> Path:
        return self.folder / f"{progress.epoch}-{progress.batch}.safetensors"
