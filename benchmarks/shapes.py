"""Models to measure: trained ones, and random ones in the shape of a known encoder.

Random models are written as training runs and exported by keci.export, as real ones are; both stay
in a folder of the user's cache, named by a hash of all that decides about them.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import cast

import orjson
import platformdirs
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModel, BertConfig, PreTrainedModel

from benchmarks.made_base import made_base
from benchmarks.texts import made_documents
from keci.batch import BatchBuilder
from keci.config import ModelConfig, TrainConfig, config_to_record
from keci.export.exporter import export_run
from keci.files import whole_folder
from keci.knowledge.base.folder import default_knowledge_base_path, write_folder
from keci.knowledge.base.store import KnowledgeBase
from keci.knowledge.vocabularies import Knowledge
from keci.model.encoder import Encoder, save_architecture
from keci.model.final_graph import FinalPairScorer, FinalSpanScorer
from keci.model.network import Network, SpanNetwork
from keci.prediction import to_tensors
from keci.runtime import bundle as bundles
from keci.runtime.shipped import MODELS_FOLDER
from keci.schema import ADE, TaskSchema
from keci.text.tokens import TextTokenizer
from keci.training.checkpoint import BEST_FILE, ENCODER_FOLDER, RUN_FILE, RunSettings, write_tensors
from keci.training.run import variant_config

SHIPPED = "ade"
SEED = 1
MENTION_SHARE, RELATION_SHARE = 0.15, 0.2
"""What a random model finds: shares of the kept spans and of the pairs, as on real sentences."""

_LOCAL_BASE = Path("kb/open")


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a BERT encoder."""

    layers: int
    width: int
    heads: int
    inner_width: int
    vocabulary: int

    def new_transformer(self) -> PreTrainedModel:
        """A transformer with random weights."""
        config = BertConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=self.inner_width,
        )
        transformer: PreTrainedModel = AutoModel.from_config(config)
        return transformer


SHAPES = {
    "scibert": Shape(12, 768, 12, 3072, 31_090),
    "minilm": Shape(6, 384, 12, 1536, 30_522),
}


def knowledge_base_folder(given: Path | None) -> Path:
    """The folder given, that of KECI_KB or the user's data, kb/open, or else a made-up base."""
    for folder in (given, default_knowledge_base_path(), _LOCAL_BASE):
        if folder and (folder == given or folder.is_dir()):
            return folder
    return _cached("kb", (_source_hash("made_base"),), _write_made_base)


def random_network(shape: Shape, config: ModelConfig, schema: TaskSchema) -> Network:
    """Encoder and heads with random weights, the same ones each time; in evaluation mode."""
    torch.manual_seed(SEED)
    encoder = Encoder(shape.new_transformer(), mix_layers=config.mix_layers)
    return Network(encoder, SpanNetwork(config, schema, encoder_width=encoder.width)).eval()


def random_run(shape: Shape, base: KnowledgeBase) -> Path:
    """A training run of a random model for ADE that reads ``base``."""
    config = variant_config(ModelConfig(), "full", base)
    facts = (repr(shape), orjson.dumps(config_to_record(config)), base.fingerprint)
    return _cached(
        "runs", (*facts, *_code()), lambda folder: _write_run(folder, shape, config, base)
    )


def bundle_of_run(run: Path, precision: str) -> Path:
    """The run's bundle in one precision."""
    files = (run / RUN_FILE, run / BEST_FILE)
    facts = (precision, *(bundles.describe_file(path).sha256 for path in files), *_code())

    def export(folder: Path) -> None:
        folder.rmdir()
        export_run(run, folder, (precision,))

    return _cached("bundles", facts, export)


def _write_run(folder: Path, shape: Shape, config: ModelConfig, base: KnowledgeBase) -> None:
    network = random_network(shape, config, ADE)
    encoder = cast(Encoder, network.encoder)
    tokenizer_json = (MODELS_FOLDER / SHIPPED / bundles.TOKENIZER_FILE).read_text("utf-8")
    tokenizer = TextTokenizer(Tokenizer.from_str(tokenizer_json))
    builder = BatchBuilder(
        tokenizer, config, max_pieces=encoder.max_pieces, knowledge=Knowledge(base, config)
    )
    make_selective(network, builder, base)
    described = {"name": base.name, "fingerprint": base.fingerprint}
    RunSettings("random", ADE, config, TrainConfig(), described, {}).write(folder)
    save_architecture(encoder.transformer, tokenizer_json, folder / ENCODER_FOLDER)
    write_tensors(folder / BEST_FILE, network.state_dict())


@torch.inference_mode()
def make_selective(network: Network, builder: BatchBuilder, base: KnowledgeBase) -> None:
    """Set the score of "none" so that random weights find about as much as trained ones do."""
    documents = made_documents(base, builder, sentences=16, seed=SEED)
    batch = builder.build(builder.prepare(documents))
    known = network(to_tensors(batch, torch.device("cpu")))
    stages = network.spans.stages
    spans = cast(FinalSpanScorer, stages["final_span_scorer"])
    pairs = cast(FinalPairScorer, stages["final_pair_scorer"]).pairs
    for layers, name, share in (
        (spans.classifier, "final_entity_logits", MENTION_SHARE),
        (pairs.output, "final_relation_logits", RELATION_SHARE),
    ):
        output = cast(nn.Linear, layers[-1])
        output.bias[0] += _margin(known[name]).quantile(1 - share)


def _margin(logits: Tensor) -> Tensor:
    """By how much the types together lead over "none", at most 10,000 of them; (rows,)."""
    return (logits[:, 1:].logsumexp(1) - logits[:, 0])[:10_000]


def _write_made_base(folder: Path) -> None:
    base = made_base()
    folder.rmdir()
    write_folder(base.tables, folder, description=base.manifest.description)


def _cached(kind: str, facts: Iterable[str | bytes], write: Callable[[Path], None]) -> Path:
    """The cache's folder of this kind and these facts; ``write`` fills it when it is new."""
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(fact if isinstance(fact, bytes) else fact.encode())
    parent = Path(platformdirs.user_cache_dir("keci")) / "benchmarks" / kind
    folder = parent / digest.hexdigest()[:16]
    if not folder.is_dir():
        with whole_folder(folder) as partial:
            write(partial)
    return folder


def _code() -> tuple[str, ...]:
    """What else decides about a run or a bundle: the code that makes them."""
    package = Path(bundles.__file__).parent.parent
    folders = ("export", "model", "runtime", "text")
    sources = sorted(path for name in folders for path in (package / name).glob("*.py"))
    hashes = (bundles.describe_file(path).sha256 for path in sources)
    return (*hashes, *(version(name) for name in ("torch", "onnx", "onnxscript")))


def _source_hash(module: str) -> str:
    return bundles.describe_file(Path(__file__).with_name(f"{module}.py")).sha256
