"""How far a run has come, saved after each epoch so that it can go on exactly there."""

from dataclasses import asdict, dataclass
from pathlib import Path

from keci.errors import UsageError
from keci.model.network import Network
from keci.training.checkpoint import read_json, read_tensors, write_json, write_tensors
from keci.training.optimisation import Optimisation

_PROGRESS_FILE = "last.json"


@dataclass(frozen=True, slots=True)
class State:
    """Finished epochs, and the best one by validation score so far (0 before the first)."""

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = 0.0


def save_state(folder: Path, state: State, network: Network, optimisation: Optimisation) -> None:
    """Save weights, optimiser and progress.

    The tensors go to a file named after the epoch, and last.json, renamed into place last, names
    it: a death at any moment leaves a state that fits together.
    """
    weights = {f"weight:{name}": tensor for name, tensor in network.state_dict().items()}
    path = _tensor_path(folder, state.epoch)
    write_tensors(path, {**weights, **optimisation.tensors()})
    steps = optimisation.schedule.last_epoch
    write_json(folder / _PROGRESS_FILE, {**asdict(state), "steps": steps})
    for old in folder.glob("last-*.safetensors"):
        if old != path:
            old.unlink()


def load_state(folder: Path, network: Network, optimisation: Optimisation) -> State:
    """Load what ``save_state`` left; a run that finished no epoch starts anew."""
    path = folder / _PROGRESS_FILE
    if not path.exists():
        return State()
    state, steps = _read_progress(path)
    tensors = read_tensors(_tensor_path(folder, state.epoch))
    weights = {
        name.removeprefix("weight:"): tensor
        for name, tensor in tensors.items()
        if name.startswith("weight:")
    }
    network.load_state_dict(weights, strict=True)
    moments = {name: tensor for name, tensor in tensors.items() if not name.startswith("weight:")}
    optimisation.restore(moments, steps=steps)
    return state


def read_state(folder: Path) -> State:
    """How far a run has come; raises BundleError where it left no progress."""
    return _read_progress(folder / _PROGRESS_FILE)[0]


def drop_tensors(folder: Path) -> None:
    """Remove what only an unfinished run needs: weights and moments after its last epoch."""
    for path in folder.glob("last-*.safetensors"):
        path.unlink()


def check_new_or_resumed(folder: Path, *, resume: bool) -> None:
    """Raise UsageError where starting anew would overwrite a run."""
    if not resume and (folder / _PROGRESS_FILE).exists():
        raise UsageError(f"{folder} holds a run already: add --resume, or choose another --output")


def _read_progress(path: Path) -> tuple[State, int]:
    """The state and the number of updates in last.json."""
    record = read_json(path)
    steps: int = record.pop("steps")
    return State(**record), steps


def _tensor_path(folder: Path, epoch: int) -> Path:
    return folder / f"last-{epoch}.safetensors"
