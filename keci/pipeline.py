"""The model that keci-extract runs, and what a run's manifest says of it."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from keci.cli.collector import collect_rarely
from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.corpus.extraction import CorpusExtractor, Link
    from keci.knowledge.store import KnowledgeBase

_LOGGER = logging.getLogger(__name__)

VERSIONED = (
    "keci", "numpy", "nupunkt", "onnxruntime", "onnxruntime-gpu", "orjson", "tokenizers", "torch",
)  # fmt: skip
"""Packages whose version may change an answer or its bytes."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What the user asked for."""

    model: str
    kb: Path | None
    without_kb: bool
    mentions: Path | None
    precision: str | None
    device: str
    threads: int | None
    unit: str

    def to_record(self) -> dict[str, Any]:
        """The choice as JSON holds it."""
        return {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ModelChoice":
        paths = {name: record[name] and Path(record[name]) for name in ("kb", "mentions")}
        return cls(**{**record, **paths})


class OpenedModel(NamedTuple):
    """A model ready to run; ``description`` names it, its knowledge base and the versions."""

    extract: "CorpusExtractor"
    description: Mapping[str, Any]


def open_model(choice: ModelChoice) -> OpenedModel:
    """Open a model in a process that does nothing but extract.

    Raises UsageError or BundleError where the model or its knowledge base cannot be opened.
    """
    from keci.cli.models import base_for_bundle, find_bundle
    from keci.corpus.extraction import CorpusExtractor
    from keci.runtime.bundle import MANIFEST_FILE, describe_file, read_manifest
    from keci.runtime.extractor import RuntimeOptions, open_extractor

    if choice.kb and choice.without_kb:
        raise UsageError("--kb and --no-kb exclude each other")
    folder = find_bundle(choice.model)
    wants_default = choice.kb is None and not choice.without_kb
    reads_knowledge = read_manifest(folder).model.knowledge != "none"
    without_kb = choice.without_kb or (wants_default and reads_knowledge and _lacks_default_base())
    base = base_for_bundle(folder, choice.kb, without_kb=without_kb)
    options = RuntimeOptions(
        precision=choice.precision, device=choice.device, threads=choice.threads
    )
    extractor = open_extractor(folder, base, options)
    model = {
        "name": extractor.manifest.name,
        "manifest_sha256": describe_file(folder / MANIFEST_FILE).sha256,
        "precision": extractor.precision,
        "device": choice.device,
        "threads_per_operator": extractor.plan.per_worker,
    }
    knowledge = {"name": base.name, "fingerprint": base.fingerprint} if base else None
    mentions = {"mentions": describe_file(choice.mentions).sha256} if choice.mentions else {}
    description = {
        "model": model,
        "knowledge_base": knowledge,
        **mentions,
        "versions": dict(_versions()),
    }
    link = _foreign_link(choice.mentions, base)
    collect_rarely()
    extract = CorpusExtractor(extractor.predictor, unit=choice.unit, link=link)
    return OpenedModel(extract, description)


def _foreign_link(path: Path | None, base: "KnowledgeBase | None") -> "Link | None":
    if path is None:
        return None
    if base is None:
        raise UsageError("--mentions names concepts of a knowledge base, and the run reads none")
    from keci.cli.knowledge import foreign_mentions

    return foreign_mentions(path, base).link


def _lacks_default_base() -> bool:
    """Whether there is no default knowledge base; says so in the log, and what follows."""
    from keci.knowledge.location import default_knowledge_base_path

    folder = default_knowledge_base_path()
    if folder.is_dir():
        return False
    _LOGGER.warning(
        "no knowledge base at %s: mentions are judged by their context alone and get no concepts; "
        "'keci-kb build open --output %s' builds one, --no-kb silences this",
        folder, folder,
    )  # fmt: skip
    return True


def _versions() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # one of the two ONNX Runtimes is never there
            continue
    return found
