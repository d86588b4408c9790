"""Opening a model with its knowledge base: in this process, in others, or in a cluster's actors."""

import atexit
import gc
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from keci.documents import Document
from keci.errors import UsageError
from keci.filters import Filter
from keci.logs import set_up_logging
from keci.options import Options, option
from keci.text.sentences import SENTENCE, UNITS

if TYPE_CHECKING:
    from keci.corpus.extraction import CorpusExtractor
    from keci.corpus.records import Chunk, Record
    from keci.corpus.workers.processes import ProcessExtractor
    from keci.knowledge.base.store import KnowledgeBase
    from keci.knowledge.linking.metamap import ForeignMentions
    from keci.prediction import Predictor

_LOGGER = logging.getLogger(__name__)

VERSIONED = (
    "keci", "numpy", "nupunkt", "onnxruntime", "onnxruntime-gpu", "orjson", "tokenizers", "torch",
)  # fmt: skip
"""Packages whose version may change an answer or its bytes."""

DEVICES = ("cpu", "cuda", "tensorrt")
WORKER = (sys.executable, "-P", "-c", "from keci.opening import work_for_run; work_for_run()")
"""``-P``: as the run itself, a worker imports nothing from the folder that it happens to be in."""

_OBJECTS_BEFORE_COLLECTION = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions(Options):
    """Which model reads, with which knowledge base, on what."""

    model: str = option("biored", "Name of a shipped model, or a bundle folder.")
    kb: Path | None = option(None, "Knowledge base folder; the default one if not given.")
    without_kb: bool = option(False, "Run without a knowledge base: less accurate.", "--no-kb")
    mentions: Path | None = option(
        None,
        "Take concept mentions from this output of MetaMap, MetaMapLite or, as plain JSON, "
        "QuickUMLS or scispaCy, in place of KECI's own linker.",
        exists="file",
    )
    vocabulary: str | None = option(
        None,
        "Name concepts by their id in the first of these that has one, as MESH,CHEBI.",
        metavar="NAME,...",
    )
    precision: str | None = option(
        None,
        "fp32, w8, int8 or fp16. Where the bundle has no fp32 or fp16, its weights are widened "
        "once, and the graphs kept in the user's cache.",
    )
    device: str = option(
        "cpu",
        "What runs the graphs; tensorrt needs the engines that 'keci-extract warm-up' builds.",
        choices=DEVICES,
    )
    threads: int | None = option(None, "Threads; all cores if not given.", least=1)
    processes: int | None = option(
        None,
        "Processes that share the threads. If not given, one for two threads as far as memory "
        "allows, on a GPU one.",
        least=1,
    )
    unit: str | None = option(
        None, "What the model reads at once; what it was trained on if not given.", choices=UNITS
    )
    engine: str = option(
        "local",
        "Where models run: processes of this machine, or actors of a Ray cluster (keci[ray]), "
        "one a core or as many as --processes says. The output is the same.",
        choices=("local", "ray"),
    )
    ray_address: str | None = option(
        None, "The Ray cluster; one on this machine if not given.", metavar="ADDRESS"
    )

    keep: Filter = field(default_factory=Filter)
    """Which findings are kept."""

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if self.kb and self.without_kb:
            raise UsageError("--kb and --no-kb exclude each other")
        if self.mentions and self.mentions.exists() and not self.mentions.is_file():
            raise UsageError(f"{self.mentions} is read more than once: it has to be a file")
        if self.ray_address and self.engine != "ray":
            raise UsageError("--ray-address goes with --engine ray")

    def read_files(self) -> Iterator[Path]:
        """The folders of the model, the knowledge base and its vectors, and the foreign mentions.

        What is not there is left out.
        """
        from keci.knowledge.base.folder import default_knowledge_base_path
        from keci.knowledge.vectors.folder import vectors_folder
        from keci.runtime.shipped import model_folder

        paths = [model_folder(self.model), self.mentions]
        if not self.without_kb:
            base = self.kb or default_knowledge_base_path()
            paths += [base, vectors_folder(base)]
        yield from (path for path in paths if path and path.exists())

    def to_record(self) -> dict[str, Any]:
        """The options as JSON holds them."""
        plain = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
        }
        return {**plain, "keep": self.keep.to_record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        paths = {name: record[name] and Path(record[name]) for name in ("kb", "mentions")}
        return cls(**{**record, **paths, "keep": Filter.from_record(record["keep"])})


DEFAULTS = ModelOptions()
"""What commands and ``keci.load`` do where nothing else is said."""


class Extractor(Protocol):
    """Reads records: a CorpusExtractor here, or a ProcessExtractor that has others read them."""

    @property
    def records_waiting(self) -> int: ...

    def __call__(self, records: "Iterable[Record]") -> "Iterator[Chunk]": ...


@dataclass(frozen=True, slots=True)
class Opened:
    """What a pipeline works with.

    ``find_base`` opens the knowledge base for ``link``, where it is not open yet; ``process_ids``
    are those of the other processes, ``close`` ends pools and processes.
    """

    extractor: Extractor
    description: Mapping[str, Any]
    find_base: "Callable[[], KnowledgeBase | None]"
    process_ids: Callable[[], Sequence[int]]
    close: Callable[[], object]
    mentions: "ForeignMentions | None" = None


def open_extractor(options: ModelOptions, *, reads_runs: bool = False) -> Opened:
    """What the options ask for; raises UsageError or BundleError where it cannot be opened.

    ``reads_runs`` says that the model may be a training run, which needs the training code.
    """
    from keci.runtime.threads import threads_of_processes

    if options.engine == "ray":
        return _open_actors(options)
    threads = threads_of_processes(options.threads, options.processes, options.device)
    if len(threads) > 1:
        return _open_processes(options, threads)
    model = open_model(options, reads_runs=reads_runs)
    extractor = model.corpus_extractor(options)
    return Opened(
        extractor, model.description, lambda: model.base, tuple, model.predictor.close,
        model.mentions,
    )  # fmt: skip


def _open_processes(options: ModelOptions, threads: Sequence[int]) -> Opened:
    """A model in each of several processes; what all of them would log, the first one does."""
    from keci.corpus.workers.processes import ProcessExtractor, WorkerProcess

    def start(number: int) -> WorkerProcess:
        return WorkerProcess(WORKER, _settings(options, threads[number], number))

    extractor = ProcessExtractor(start, len(threads))
    return _opened_elsewhere(extractor, options, lambda: extractor.process_ids, extractor.close)


def _open_actors(options: ModelOptions) -> Opened:
    """A model in each of several actors of a cluster, one for each core if not said otherwise."""
    try:
        from keci.corpus.workers import ray_actors
    except ImportError as error:
        raise UsageError("--engine ray needs Ray: pip install 'keci[ray]'") from error
    from keci.corpus.workers.processes import ProcessExtractor

    with ExitStack() as stack:
        stack.callback(ray_actors.disconnect)
        cores = ray_actors.connect(options.ray_address)
        gpus = 0.0 if options.device == "cpu" else 1.0
        threads = max((options.threads or cores) // (options.processes or cores), 1)

        def start(number: int) -> ray_actors.RayWorker:
            settings = _settings(options, threads, number)
            return ray_actors.RayWorker(open_as_worker, settings, cores=threads, gpus=gpus)

        extractor = ProcessExtractor(start, options.processes or max(cores // threads, 1))
        stack.callback(extractor.close)
        return _opened_elsewhere(extractor, options, tuple, stack.pop_all().close)


def _opened_elsewhere(
    extractor: "ProcessExtractor",
    options: ModelOptions,
    process_ids: Callable[[], Sequence[int]],
    close: Callable[[], object],
) -> Opened:
    """Waits for the first worker, whose error is raised here."""
    try:
        description = extractor.description
    except BaseException:
        close()
        raise
    return Opened(extractor, description, lambda: _base_of(options), process_ids, close)


def _base_of(options: ModelOptions) -> "KnowledgeBase | None":
    from keci.knowledge.choice import knowledge_base_or_none

    return None if options.without_kb else knowledge_base_or_none(options.kb)


def _settings(options: ModelOptions, threads: int, number: int) -> Mapping[str, Any]:
    """What the worker of that number is told."""
    own = replace(options, threads=threads, processes=1, engine="local", ray_address=None)
    level = logging.ERROR if number else logging.getLogger("keci").getEffectiveLevel()
    return {"options": own.to_record(), "log_level": level}


def work_for_run() -> None:
    """Be one of the processes of a pipeline, as ``WORKER`` says."""
    from keci.corpus.workers.worker import work

    work(open_as_worker)


def open_as_worker(settings: Mapping[str, Any]) -> "tuple[CorpusExtractor, Mapping[str, Any]]":
    """Set up logging and open the model in a process that does nothing but extract."""
    set_up_logging(settings["log_level"])
    options = ModelOptions.from_record(settings["options"])
    model = open_model(options, reads_runs=True)
    collect_rarely()
    if model.mentions:
        atexit.register(_tell_unused, model.mentions)
    return model.corpus_extractor(options), model.description


def _tell_unused(mentions: "ForeignMentions") -> None:
    """Log what this process could not use; the other processes read other documents."""
    told = mentions.report()
    if told and not mentions.placed:
        _LOGGER.warning("in one of several processes, %s", told)


def collect_rarely() -> None:
    """Leave what was opened out of collections, and let them come after 50,000 objects, not 700.

    Extraction makes hundreds of objects a sentence, which reference counts alone set free:
    looking for cycles among them took 4 % of the time. For a process of its own, after opening.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A predictor with its knowledge base.

    ``description`` tells what both are; ``unit`` is what is read at once, ``mentions`` are those
    of another program, if any.
    """

    predictor: "Predictor"
    base: "KnowledgeBase | None"
    description: Mapping[str, Any]
    unit: str
    mentions: "ForeignMentions | None"

    def corpus_extractor(self, options: ModelOptions) -> "CorpusExtractor":
        """Reads texts of any length."""
        from keci.corpus.extraction import CorpusExtractor
        from keci.knowledge.meaning import Meanings

        link = self.mentions.link if self.mentions else None
        schema = self.predictor.schema
        options.keep.check(schema)
        vocabularies = _vocabularies(options.vocabulary, self.base)
        meanings = Meanings(self.base, schema.semantic_types, vocabularies) if self.base else None
        return CorpusExtractor(
            self.predictor,
            unit=self.unit,
            link=link,
            keep=options.keep,
            meanings=meanings,
            vocabularies=vocabularies,
        )


def warm_up(options: ModelOptions) -> Mapping[str, Any]:
    """Make and keep what a bundle needs on a device: graphs, engines; returns what was opened.

    Raises UsageError or BundleError where the device or the bundle cannot be used.
    """
    model = _open_bundle(options, needs_base=False, builds_engines=True)
    for _ in model.predictor([Document("warm-up", "Aspirin caused a rash.")]):
        pass
    model.predictor.close()
    opened: Mapping[str, Any] = model.description["model"]
    return opened


def open_model(
    options: ModelOptions, *, reads_runs: bool = False, needs_base: bool = False
) -> OpenedModel:
    """A bundle in this process, or with ``reads_runs`` a training run.

    With ``needs_base`` a default knowledge base that is missing is an error, else a warning. Raises
    UsageError or BundleError where the model or its knowledge base cannot be opened.
    """
    from keci.runtime.shipped import is_run

    if reads_runs and is_run(options.model):
        return _open_run(options, needs_base=needs_base)
    return _open_bundle(options, needs_base=needs_base)


def _open_bundle(
    options: ModelOptions, *, needs_base: bool, builds_engines: bool = False
) -> OpenedModel:
    from keci.runtime.bundle import MANIFEST_FILE, read_manifest
    from keci.runtime.extractor import RuntimeOptions, open_extractor
    from keci.runtime.shipped import find_bundle

    folder = find_bundle(options.model)
    base = _base(read_manifest(folder).model.knowledge, options, needs_base=needs_base)
    opened = open_extractor(
        folder,
        base,
        RuntimeOptions(
            precision=options.precision,
            device=options.device,
            threads=options.threads,
            builds_engines=builds_engines,
        ),
    )
    unit = chosen_unit(opened.manifest.units, options.unit)
    model = {
        "name": opened.manifest.name,
        "manifest_sha256": _sha256(folder / MANIFEST_FILE),
        "precision": opened.precision,
        "device": options.device,
        "threads_per_operator": opened.plan.per_worker,
        "unit": unit,
    }
    mentions = _foreign_mentions(options.mentions, base)
    description = _description(model, base, options)
    return OpenedModel(opened.predictor, base, description, unit, mentions)


def _open_run(options: ModelOptions, *, needs_base: bool) -> OpenedModel:
    import torch

    from keci.batch import BatchBuilder
    from keci.knowledge.vocabularies import Knowledge
    from keci.prediction import Batching, Predictor
    from keci.training.checkpoint import BEST_FILE, load_run

    if options.precision is not None:
        raise UsageError("--precision chooses among the graphs of a bundle; this is a training run")
    folder = Path(options.model)
    loaded = load_run(folder)
    config = loaded.settings.model
    base = _base(config.knowledge, options, needs_base=needs_base)
    builder = BatchBuilder(
        loaded.tokenizer,
        config,
        max_pieces=loaded.max_pieces,
        knowledge=Knowledge(base, config) if base else None,
    )
    stages, schema = loaded.network.ordered_stages(), loaded.settings.schema
    device = torch.device("cpu")
    predictor = Predictor(stages, builder, schema, batching=Batching(), device=device)
    unit = chosen_unit(loaded.settings.units, options.unit)
    model = {"name": folder.name, "weights_sha256": _sha256(folder / BEST_FILE), "unit": unit}
    mentions = _foreign_mentions(options.mentions, base)
    return OpenedModel(predictor, base, _description(model, base, options), unit, mentions)


def _base(knowledge: str, options: ModelOptions, *, needs_base: bool) -> "KnowledgeBase | None":
    """The knowledge base that a model should read; None where it reads none."""
    from keci.knowledge.choice import knowledge_base_for, knowledge_base_or_none

    if options.without_kb or knowledge == "none":
        return None
    return (knowledge_base_for if needs_base else knowledge_base_or_none)(options.kb)


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


def _vocabularies(names: str | None, base: "KnowledgeBase | None") -> tuple[str, ...]:
    """The vocabularies that concepts are named by, as the knowledge base spells them."""
    from keci.corpus.identifiers import known_vocabularies, parse_vocabularies

    chosen = parse_vocabularies(names)
    if chosen and base is None:
        raise UsageError("--vocabulary chooses among the ids of concepts: it needs --kb")
    return known_vocabularies(chosen, base.vocabularies) if chosen and base else ()


def _foreign_mentions(path: Path | None, base: "KnowledgeBase | None") -> "ForeignMentions | None":
    from keci.knowledge.choice import foreign_mentions

    if path is None:
        return None
    if base is None:
        raise UsageError("--mentions names concepts of a knowledge base, and the run reads none")
    return foreign_mentions(path, base)


def _description(
    model: Mapping[str, Any], base: "KnowledgeBase | None", options: ModelOptions
) -> Mapping[str, Any]:
    """What decides about the answers: model, knowledge base, foreign mentions, versions."""
    from keci.corpus.identifiers import parse_vocabularies

    knowledge = {"name": base.name, "fingerprint": base.fingerprint} if base else None
    mentions = {"mentions": _sha256(options.mentions)} if options.mentions else {}
    chosen = list(parse_vocabularies(options.vocabulary))
    vocabularies = {"vocabularies": chosen} if chosen else {}
    filters = {"filters": options.keep.to_record()} if options.keep != Filter() else {}
    return {
        "model": model,
        "knowledge_base": knowledge,
        **mentions,
        **filters,
        **vocabularies,
        "versions": _versions(),
    }


def _sha256(path: Path) -> str:
    from keci.runtime.bundle import describe_file

    return describe_file(path).sha256


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # one of the two ONNX Runtimes is never there
            continue
    return found
