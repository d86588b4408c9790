"""A trained model as a network in torch, whether a run or a bundle holds it."""

from pathlib import Path

from keci.config import TrainConfig
from keci.errors import UsageError
from keci.model.bundle_weights import bundle_weights
from keci.model.encoder import Encoder, load_encoder
from keci.model.network import Network, SpanNetwork
from keci.runtime.bundle import GRAPH_FILE, TOKENIZER_FILE, Manifest, read_bundle
from keci.runtime.shipped import find_bundle, is_run
from keci.text.tokens import TextTokenizer
from keci.training.checkpoint import LoadedRun, RunSettings, load_run


def load_trained(model: str, *, encoder: str) -> LoadedRun:
    """The network of a run, a bundle or a shipped model, in evaluation mode.

    Graphs do not tell the architecture of their encoder: a bundle's has to be that of ``encoder``.
    The weights of a bundle in 8 bits keep their rounding; the odds of its relations are those of
    before its export. Raises UsageError where nothing of that name is there or the encoder is
    another, BundleError where files are damaged.
    """
    if is_run(model):
        return load_run(Path(model))
    folder = find_bundle(model)
    manifest = read_bundle(folder)
    transformer, _ = load_encoder(encoder)
    mixing = Encoder(transformer, mix_layers=manifest.model.mix_layers)
    if mixing.width != manifest.encoder_width:
        raise UsageError(
            f"{model!r} was trained with an encoder of width {manifest.encoder_width}; "
            f"{encoder!r} has width {mixing.width}: choose one alike with --encoder"
        )
    spans = SpanNetwork(manifest.model, manifest.schema, encoder_width=mixing.width)
    network = Network(mixing, spans)
    graphs = folder / manifest.default_precision
    network.load_state_dict(bundle_weights(graphs, folder / GRAPH_FILE, network))
    network.spans.scale_relation_odds(1 / manifest.relation_odds)
    tokenizer = TextTokenizer.from_file(folder / TOKENIZER_FILE)
    return LoadedRun(_settings(manifest, encoder), network.eval(), tokenizer, manifest.max_pieces)


def _settings(manifest: Manifest, encoder: str) -> RunSettings:
    return RunSettings(
        encoder=encoder,
        schema=manifest.schema,
        model=manifest.model,
        train=TrainConfig(),
        knowledge_base=manifest.knowledge_base,
        data={},
        units=manifest.units,
    )
