"""The models that come with the package, and the bundle that a user means by a name."""

from pathlib import Path

from keci.errors import UsageError
from keci.runtime.bundle import MANIFEST_FILE, read_manifest

MODELS_FOLDER = Path(__file__).resolve().parents[1] / "models"
RUN_FILE = "run.json"
"""What keci-train leaves in the folder of a run; the training code has the same name for it."""


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.parent.name for path in MODELS_FOLDER.glob(f"*/{MANIFEST_FILE}"))


def describe_models() -> list[str]:
    """Name, unit, mention and relation types of each shipped model, in lines."""
    lines = []
    for name in shipped_models():
        manifest = read_manifest(MODELS_FOLDER / name)
        relations = [relation.name for relation in manifest.schema.relation_types]
        lines += [
            f"{name} (reads by {' or '.join(manifest.units)})",
            f"  mentions:  {', '.join(manifest.schema.entity_types)}",
            f"  relations: {', '.join(relations)}",
        ]
    return lines


def is_run(name: str) -> bool:
    """Whether a name is the folder of a training run."""
    return (Path(name) / RUN_FILE).is_file()


def model_folder(name: str) -> Path:
    """The folder of a shipped model, or the folder ``name``, whether there is one or not."""
    return MODELS_FOLDER / name if name in shipped_models() else Path(name)


def find_bundle(name: str) -> Path:
    """The bundle that a user means by ``name``; raises UsageError where there is none."""
    folder = model_folder(name)
    if (folder / MANIFEST_FILE).is_file():
        return folder
    if is_run(name):
        raise UsageError(
            f"{name!r} is a training run, and a bundle is needed here: "
            f"'keci-export {name} BUNDLE' makes one of it"
        )
    known = ", ".join(shipped_models()) or "none"
    raise UsageError(f"{name!r} is no bundle folder and no shipped model (those are: {known})")
