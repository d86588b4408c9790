"""A run's folder: settings, encoder architecture, best weights, and the state to resume from.

run.json  encoder/config.json  encoder/tokenizer.json  best.safetensors  metrics.csv
last-N.safetensors  last.json  (weights, optimiser moments and progress after epoch N)
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from keci.config import ModelConfig, TrainConfig, config_from_record, config_to_record
from keci.errors import BundleError, DataError, UsageError
from keci.fields import Fields
from keci.model.encoder import CONFIG_FILE, TOKENIZER_FILE, Encoder, new_encoder
from keci.model.network import Network, SpanNetwork
from keci.schema import TaskSchema
from keci.text.sentences import UNITS
from keci.text.tokens import TextTokenizer
from keci.training.optimisation import Optimisation

RUN_FILE = "run.json"
ENCODER_FOLDER = "encoder"
BEST_FILE = "best.safetensors"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run was started with; ``knowledge_base`` is the base's name and fingerprint.

    ``units`` are those that its documents were, the usual one first; older runs do not tell.
    """

    encoder: str
    schema: TaskSchema
    model: ModelConfig
    train: TrainConfig
    knowledge_base: Mapping[str, str] | None
    data: Mapping[str, str]
    units: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        write_json(folder / RUN_FILE, {"format": FORMAT, **self._record()})

    def _record(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder,
            "schema": self.schema.to_record(),
            "model": config_to_record(self.model),
            "train": config_to_record(self.train),
            "knowledge_base": self.knowledge_base,
            "data": dict(self.data),
            "units": list(self.units),
        }

    def differences(self, now: "RunSettings") -> str:
        """What was changed between these settings and others; empty where nothing was."""
        before, after = _flat(self._record()), _flat(now._record())
        return "; ".join(
            f"{name}: {before.get(name)!r} became {after.get(name)!r}"
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        )

    @classmethod
    def read(cls, folder: Path) -> "RunSettings":
        """Read run.json; raises BundleError where ``folder`` is no run of this format."""
        path = folder / RUN_FILE
        if not path.is_file():
            raise BundleError(f"{folder} is no training run: {RUN_FILE} is missing")
        record = read_json(path)
        if record.get("format") != FORMAT:
            raise BundleError(f"{path} has format {record.get('format')}, expected {FORMAT}")
        try:
            return cls._from_fields(Fields({"units": [], **record}, f"{path}"))
        except DataError as error:
            raise BundleError(f"{error}") from error

    @classmethod
    def _from_fields(cls, given: Fields) -> "RunSettings":
        base, data, units = (
            given.optional("knowledge_base"),
            given.inner("data"),
            given.items("units"),
        )
        if not set(map(str, units)) <= set(UNITS):
            raise given.mistake("units", f"a list of {', '.join(UNITS)}")
        return cls(
            given.text("encoder"),
            TaskSchema.from_record(given.mapping("schema")),
            config_from_record(ModelConfig, given.mapping("model")),
            config_from_record(TrainConfig, given.mapping("train")),
            {name: base.text(name) for name in ("name", "fingerprint")} if base else None,
            {name: data.text(name) for name in given.mapping("data")},
            tuple(units),
        )


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the sections of run.json, named "section key"."""
    values: dict[str, Any] = {}
    for section, content in record.items():
        if isinstance(content, Mapping):
            values |= {f"{section} {key}": value for key, value in content.items()}
        else:
            values[section] = content
    return values


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A trained network, in evaluation mode, with what it takes to feed it."""

    settings: RunSettings
    network: Network
    tokenizer: TextTokenizer
    max_pieces: int


def load_run(folder: Path) -> LoadedRun:
    """The network of a run with its best weights; raises BundleError where it is damaged."""
    settings = RunSettings.read(folder)
    encoder_folder = folder / ENCODER_FOLDER
    if not (encoder_folder / CONFIG_FILE).is_file():
        raise BundleError(f"{encoder_folder} holds no encoder: {CONFIG_FILE} is missing")
    encoder = Encoder(new_encoder(encoder_folder), mix_layers=settings.model.mix_layers)
    spans = SpanNetwork(settings.model, settings.schema, encoder_width=encoder.width)
    network = Network(encoder, spans)
    load_weights(network, folder / BEST_FILE)
    tokenizer = TextTokenizer.from_file(encoder_folder / TOKENIZER_FILE)
    return LoadedRun(settings, network.eval(), tokenizer, encoder.max_pieces)


def load_weights(network: Network, path: Path) -> None:
    """Load weights strictly; raises BundleError where names or shapes differ."""
    fill_network(network, read_tensors(path), source=f"{path}")


def fill_network(network: Network, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Give a network weights, strictly; raises BundleError where names or shapes differ."""
    try:
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise BundleError(f"{source} does not hold the weights of this network: {error}") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors; raises BundleError where the file is missing or damaged."""
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{path} cannot be read: {error}") from error
    return tensors


def read_json(path: Path) -> dict[str, Any]:
    """Read a json object; raises BundleError where the file is missing or holds none."""
    try:
        record = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BundleError(f"{path} cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise BundleError(f"{path} holds no json object")
    return record


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write safetensors under a temporary name and rename, so that the file is always whole."""
    partial = path.with_suffix(".partial")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
    _publish(partial, path)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write json under a temporary name and rename."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))
    _publish(partial, path)


def _publish(partial: Path, path: Path) -> None:
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(path)


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
    """Load what ``save_state`` left; a run that finished no epoch starts anew.

    Raises BundleError where that is damaged, or of another network.
    """
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
    fill_network(network, weights, source=f"{path}")
    moments = {name: tensor for name, tensor in tensors.items() if not name.startswith("weight:")}
    optimisation.restore(moments, steps=steps)
    return state


def has_state(folder: Path) -> bool:
    """Whether a run has finished an epoch that can be gone on from."""
    return (folder / _PROGRESS_FILE).exists()


def read_state(folder: Path) -> State:
    """How far a run has come; raises BundleError where it left no progress."""
    return _read_progress(folder / _PROGRESS_FILE)[0]


def drop_tensors(folder: Path) -> None:
    """Remove what only an unfinished run needs: weights and moments after its last epoch."""
    for path in folder.glob("last-*.safetensors"):
        path.unlink()


def check_new_or_resumed(folder: Path, *, resume: bool) -> None:
    """Raise UsageError where starting anew would overwrite a run."""
    if not resume and has_state(folder):
        raise UsageError(f"{folder} holds a run already: add --resume, or choose another --output")


def _read_progress(path: Path) -> tuple[State, int]:
    """The state and the number of updates in last.json; raises BundleError where it holds none."""
    given = Fields(read_json(path), f"{path}")
    try:
        state = State(given.count("epoch"), given.count("best_epoch"), given.number("best_score"))
        return state, given.count("steps")
    except DataError as error:
        raise BundleError(f"{error}") from error


def _tensor_path(folder: Path, epoch: int) -> Path:
    return folder / f"last-{epoch}.safetensors"
