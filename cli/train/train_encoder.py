"""keci-train encoder: adapts a general encoder to biomedical text."""

from dataclasses import dataclass
from pathlib import Path

import click

from keci.cli.options import KB_HELP, common_options, interrupt_told, options_of, show_progress
from keci.errors import UsageError
from keci.options import REQUIRED, Options, option
from keci.training.adaptation_settings import AdaptationSettings

_EPILOG = """\b
Examples:
  keci-train encoder --texts ner/ --kb kb/open --output runs/encoder
  keci-train --task ade --train train.json \\
      --encoder runs/encoder/encoder --output runs/ade
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptationInputs(Options):
    """What an encoder learns from, and where it is written."""

    texts: tuple[Path, ...] = option(
        REQUIRED,
        "KECI jsonl, plain or gzip, a corpus a file, or a folder of those. Where its records have "
        "entities, their tags are learned too; any text of your own serves for masked pieces.",
        exists="path",
    )
    kb: Path | None = option(None, KB_HELP)
    without_kb: bool = option(False, "Learn from no names of concepts.", "--no-kb")
    output: Path = option(REQUIRED, "Folder.")
    resume: bool = option(False, "Go on from the last saved step.")

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if self.kb and self.without_kb:
            raise UsageError("--kb and --no-kb exclude each other")

    def corpora(self) -> list[Path]:
        """The files of the folders and files, each once, by name."""
        found: dict[Path, None] = {}
        for path in self.texts:
            files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
            if not files:
                raise UsageError(f"{path} holds no *.jsonl and no *.jsonl.gz")
            found |= dict.fromkeys(files)
        return list(found)


@click.command("encoder", epilog=_EPILOG)
@options_of(AdaptationInputs, "inputs")
@options_of(AdaptationSettings, "settings")
@common_options
def encoder(inputs: AdaptationInputs, settings: AdaptationSettings) -> None:
    """Adapt an encoder to biomedical text: masked pieces, tags of corpora, names of concepts.

    OUTPUT/encoder is then what --encoder of keci-train takes.
    """
    from keci.knowledge.choice import knowledge_base_for
    from keci.targets import check_folder
    from keci.training.adaptation import Adaptation

    check_folder(inputs.output, (*inputs.texts, *([inputs.kb] if inputs.kb else [])))
    needs_names = settings.synonym_pairs and not inputs.without_kb
    base = knowledge_base_for(inputs.kb) if needs_names else None
    adaptation = Adaptation(
        settings, inputs.corpora(), inputs.output, base=base, show_progress=show_progress()
    )
    with interrupt_told(inputs.output):
        click.echo(f"encoder: {adaptation.run(resume=inputs.resume)}")
