"""The model that keci-extract runs, and what a run's manifest says of it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from keci.errors import UsageError
from keci.filters import Filter
from keci.text.sentences import SENTENCE

if TYPE_CHECKING:
    from keci.corpus.extraction import CorpusExtractor
    from keci.knowledge.base.store import KnowledgeBase
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keci.knowledge.base.store import KnowledgeBase
    from keci.prediction import Predictor
from keci.knowledge.base.folder import default_knowledge_base_path, verify_on_first_use
from keci.knowledge.base.store import KnowledgeBase, open_knowledge_base
from keci.knowledge.linking.metamap import ForeignMentions, read_metamap

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
    unit: str | None
    """What the model reads at once; None takes what it was trained on."""
    keep: Filter = field(default_factory=Filter)
    """Which findings are kept."""

    def to_record(self) -> dict[str, Any]:
        """The choice as JSON holds it."""
        plain = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
        }
        return {**plain, "keep": self.keep.to_record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ModelChoice":
        paths = {name: record[name] and Path(record[name]) for name in ("kb", "mentions")}
        return cls(**{**record, **paths, "keep": Filter.from_record(record["keep"])})


class OpenedModel(NamedTuple):
    """A model ready to run; ``description`` names it, its knowledge base and the versions."""

    extract: "CorpusExtractor"
    description: Mapping[str, Any]


def open_with_mentions(choice: ModelChoice) -> tuple[OpenedModel, ForeignMentions | None]:
    """A model for a process that does nothing but extract, and the mentions that it reads.

    The mentions of another program are to be checked in the end (``check_used``).

    Raises UsageError or BundleError where the model or its knowledge base cannot be opened.
    """
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
    choice.keep.check(extractor.manifest.schema)
    unit = chosen_unit(extractor.manifest.units, choice.unit)
    model = {
        "name": extractor.manifest.name,
        "manifest_sha256": describe_file(folder / MANIFEST_FILE).sha256,
        "precision": extractor.precision,
        "device": choice.device,
        "threads_per_operator": extractor.plan.per_worker,
        "unit": unit,
    }
    knowledge = {"name": base.name, "fingerprint": base.fingerprint} if base else None
    mentions = {"mentions": describe_file(choice.mentions).sha256} if choice.mentions else {}
    description = {
        "model": model,
        "knowledge_base": knowledge,
        **mentions,
        **({"filters": choice.keep.to_record()} if choice.keep != Filter() else {}),
        "versions": dict(_versions()),
    }
    foreign = _foreign_mentions(choice.mentions, base)
    collect_rarely()
    link = foreign.link if foreign else None
    extract = CorpusExtractor(extractor.predictor, unit=unit, link=link, keep=choice.keep)
    return OpenedModel(extract, description), foreign


def chosen_unit(trained: Sequence[str], asked: str | None) -> str:
    """What a model reads at once: what is asked for, else what it was trained on.

    A unit that it was not trained on is told in the log, and what follows.
    """
    usual = trained[0] if trained else SENTENCE
    if asked and trained and asked not in trained:
        _LOGGER.warning(
            "the model was trained on the unit %r and reads %r here: expect it to miss much "
            "(leave --unit out to read what it knows)", " and ".join(trained), asked,
        )  # fmt: skip
    return asked or usual


def _foreign_mentions(path: Path | None, base: "KnowledgeBase | None") -> ForeignMentions | None:
    if path is None:
        return None
    if base is None:
        raise UsageError("--mentions names concepts of a knowledge base, and the run reads none")

    return foreign_mentions(path, base)


def _lacks_default_base() -> bool:
    """Whether there is no default knowledge base; says so in the log, and what follows."""
    from keci.knowledge.base.folder import default_knowledge_base_path

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


_OBJECTS_BEFORE_COLLECTION = 50_000


def collect_rarely() -> None:
    """Leave what was opened out of collections, and let them come after 50,000 objects, not 700.

    Extraction makes hundreds of objects a sentence, which reference counts alone set free:
    looking for cycles among them took 4 % of the time. For a process of its own, after opening.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)


MODELS_FOLDER = Path(__file__).resolve().parent / "models"


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.parent.name for path in MODELS_FOLDER.glob("*/manifest.json"))


def describe_models() -> list[str]:
    """Name, unit, mention and relation types of each shipped model, in lines."""
    from keci.runtime.bundle import read_manifest

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

    from keci.batch import BatchBuilder
    from keci.knowledge.vocabularies import Knowledge
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


def knowledge_base_for(path: Path | None) -> KnowledgeBase:
    """The knowledge base at ``path``, or the default one, its hashes checked on first use.

    Raises UsageError where there is none, KnowledgeBaseError where it is damaged.
    """
    folder = path or default_knowledge_base_path()
    if not folder.is_dir():
        raise UsageError(
            f"there is no knowledge base at {folder}: build one with "
            f"'keci-kb build open --output {folder}', or name another with --kb"
        )
    verify_on_first_use(folder)
    return open_knowledge_base(folder)


def foreign_mentions(
    path: Path, base: KnowledgeBase, *, max_candidates: int = 6
) -> ForeignMentions:
    """The concept mentions in an output of MetaMap; what the base does not know is logged."""
    mentions = ForeignMentions(read_metamap(path), base, max_candidates=max_candidates)
    if mentions.unknown:
        _LOGGER.warning(
            "%d candidates name concepts that the knowledge base does not have", mentions.unknown
        )
    return mentions
