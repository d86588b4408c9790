"""Where vectors of concepts come from: the options of ``keci-kb embed``."""

from dataclasses import dataclass
from pathlib import Path

from keci.knowledge.vectors.settings import EmbeddingSettings
from keci.model.encoder_names import ENCODERS
from keci.options import Options, option

_USUAL = EmbeddingSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedOptions(Options):
    """The source of the vectors; how they are trained on relations says EmbeddingSettings."""

    definitions: bool = option(
        False, "Encode the definitions instead of training on the relations."
    )
    import_file: Path | None = option(
        None,
        "Take vectors from a text file, plain or .gz: a concept id and its numbers on each line.",
        "--import",
        exists="file",
    )
    dim: int | None = option(
        None,
        f"Width; default {_USUAL.width}. Definitions have the encoder's, or so many of their "
        "principal components.",
        least=1,
    )
    encoder: str = option("minilm", ENCODERS)
    limit: int | None = option(None, "Encode at most so many texts this time.", least=1)
    synthetic: bool = option(
        False, "Also encode sentences made for the concepts without a definition."
    )
    texts: tuple[str, ...] = option(
        (),
        "Encode only for the concepts that these texts may name; anything keci-extract reads.",
        metavar="FILE",
    )
    like: Path | None = option(
        None,
        "Folder of vectors whose principal components are used, so that a model can "
        "read these vectors in place of those.",
        exists="folder",
    )
    name: str | None = option(None, "What the vectors are called; default: made of the settings.")
    restart: bool = option(False, "Replace finished vectors, drop unfinished ones.")
    device: str = option("auto", "Where to compute.", choices=("auto", "cpu", "cuda"))
    as_json: bool = option(False, "Print the manifest as JSON, not a table.", "--json")

    def name_of(self, training: EmbeddingSettings) -> str:
        """What the vectors are called; where no name is given, by their source and settings."""
        if self.name:
            return self.name
        if self.import_file is not None:
            return self.import_file.name.removesuffix(".gz").rsplit(".", 1)[0]
        if self.definitions:
            width = f"-{self.dim}" if self.dim else ""
            return f"definitions-{Path(self.encoder).name}{width}{'-synthetic' * self.synthetic}"
        return f"{training.method}-{training.width}"
