"""Models by shipped name, bundle folder or training run, ready to predict."""

from pathlib import Path
from typing import TYPE_CHECKING

from keci.cli.knowledge import knowledge_base_for
from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.knowledge.store import KnowledgeBase
    from keci.prediction import Predictor

MODELS_FOLDER = Path(__file__).resolve().parent.parent / "models"


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.parent.name for path in MODELS_FOLDER.glob("*/manifest.json"))


def find_bundle(name: str) -> Path:
    """The bundle that a user means by ``name``; raises UsageError where there is none."""
    if name in shipped_models():
        return MODELS_FOLDER / name
    if (Path(name) / "manifest.json").is_file():
        return Path(name)
    known = ", ".join(shipped_models()) or "none"
    raise UsageError(f"{name!r} is no bundle folder and no shipped model (those are: {known})")


def open_predictor(
    model: Path, *, kb: Path | None, without_kb: bool, precision: str | None
) -> "Predictor":
    """A predictor for a training run or a bundle."""
    from keci.training.checkpoint import RUN_FILE

    if not (model / RUN_FILE).is_file():
        from keci.runtime.extractor import RuntimeOptions, open_extractor

        folder = find_bundle(str(model))
        base = base_for_bundle(folder, kb, without_kb=without_kb)
        return open_extractor(folder, base, RuntimeOptions(precision=precision)).predictor
    if precision is not None:
        raise UsageError("--precision chooses among the graphs of a bundle; this is a training run")
    return _run_predictor(model, kb=kb, without_kb=without_kb)


def base_for_bundle(folder: Path, kb: Path | None, *, without_kb: bool) -> "KnowledgeBase | None":
    """The knowledge base that a bundle should read; None where it reads none."""
    from keci.runtime.bundle import read_manifest

    return _base(read_manifest(folder).model.knowledge, kb, without_kb=without_kb)


def _run_predictor(run: Path, *, kb: Path | None, without_kb: bool) -> "Predictor":
    import torch

    from keci.batch import BatchBuilder, Knowledge
    from keci.prediction import Batching, Predictor
    from keci.training.checkpoint import load_run

    loaded = load_run(run)
    config = loaded.settings.model
    base = _base(config.knowledge, kb, without_kb=without_kb)
    builder = BatchBuilder(
        loaded.tokenizer,
        config,
        max_pieces=loaded.max_pieces,
        knowledge=Knowledge(base, config) if base else None,
    )
    return Predictor(
        loaded.network.ordered_stages(),
        builder,
        loaded.settings.schema,
        batching=Batching(),
        device=torch.device("cpu"),
    )


def _base(knowledge: str, kb: Path | None, *, without_kb: bool) -> "KnowledgeBase | None":
    if without_kb or knowledge == "none":
        return None
    return knowledge_base_for(kb)
