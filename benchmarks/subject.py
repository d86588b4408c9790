"""What is measured: a bundle, and the same model in torch for the plain reference."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline import Setup
from benchmarks.shapes import (
    SHAPES,
    SHIPPED,
    bundle_of_run,
    knowledge_base_folder,
    random_network,
    random_run,
)
from keci.errors import UsageError
from keci.knowledge.base.store import open_knowledge_base
from keci.model.network import Network
from keci.runtime.bundle import read_manifest
from keci.runtime.precision import FP32
from keci.runtime.shipped import MODELS_FOLDER, find_bundle
from keci.training.checkpoint import RUN_FILE, load_run


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line asks for; ``model`` is a bundle or a run, ``run`` a run."""

    shape: str
    precision: str | None
    model: str | None
    run: Path | None
    kb: Path | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A bundle and its network; ``has_equal_weights`` says whether both are the same model."""

    name: str
    bundle: Path
    base: Path
    precision: str
    network: Network
    has_equal_weights: bool

    def setup(self, *, device: str, threads: int) -> Setup:
        """The bundle as it is to run."""
        return Setup(self.bundle, self.base, self.precision, device, threads)


def find_subject(choice: Choice) -> Subject:
    """The model to measure; a random one, or a run, is exported first.

    Without ``model`` and ``run`` the shape minilm is the shipped model where that has the precision
    (None is its default one), and otherwise a random model of the shape. A bundle without a run
    has a network of random weights beside it. Raises UsageError where these do not fit together.
    """
    base = knowledge_base_folder(choice.kb).resolve()
    run, bundle = choice.run, None
    if choice.model and (Path(choice.model) / RUN_FILE).is_file():
        run = Path(choice.model)
    elif choice.model:
        bundle = find_bundle(choice.model)
    elif run is None and _ships(choice):
        bundle = MODELS_FOLDER / SHIPPED
    if run is None and bundle is None:
        run = random_run(SHAPES[choice.shape], open_knowledge_base(base))
        name = f"random weights, {choice.shape}"
    else:
        name = str(bundle.name if bundle else run and run.name)
    precision = choice.precision or (read_manifest(bundle).default_precision if bundle else FP32)
    if run is not None:
        bundle = bundle or bundle_of_run(run, precision)
        return Subject(name, bundle.resolve(), base, precision, load_run(run).network, True)
    assert bundle is not None
    return Subject(name, bundle.resolve(), base, precision, _stranger(bundle, choice.shape), False)


def _ships(choice: Choice) -> bool:
    if choice.shape != "minilm":
        return False
    return choice.precision in (None, *read_manifest(MODELS_FOLDER / SHIPPED).precisions)


def _stranger(bundle: Path, shape: str) -> Network:
    """A network of random weights in the bundle's architecture."""
    manifest = read_manifest(bundle)
    if manifest.encoder_width != SHAPES[shape].width:
        raise UsageError(
            f"{bundle} has an encoder of width {manifest.encoder_width}, the shape {shape} one of "
            f"{SHAPES[shape].width}: choose another --shape, or give its --run"
        )
    return random_network(SHAPES[shape], manifest.model, manifest.schema)
