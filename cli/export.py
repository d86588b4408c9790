"""keci-export: a training run in, a checked bundle for keci-extract out."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keci.cli.options import common_options, ids_option, kb_option, step_shown
from keci.cli.tables import print_summary
from keci.errors import UsageError

if TYPE_CHECKING:
    from keci.runtime.bundle import Manifest

_EPILOG = """\b
Example:
  keci-export runs/ade bundles/ade --precision fp32 --precision int8 \\
      --data train.json --ids runs/ade/validation.ids
"""


@click.command(epilog=_EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    type=click.Choice(("fp32", "w8", "int8", "fp16")),
    help="Repeat for several; the first is the default one unless --data decides.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Annotated validation data: record each precision's F1 and make the fastest "
    "that loses at most 0.3 F1 the default.",
)
@ids_option
@kb_option
@click.option(
    "--only-default",
    is_flag=True,
    help="With --data: leave out of the bundle all precisions but the default one.",
)
@click.option(
    "--compact",
    is_flag=True,
    help="Store the weights of the stages that stay in torch in 8 bits, for every precision.",
)
@click.option(
    "--relation-odds",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiply the odds of every relation: above 1 finds more of them, below 1 fewer.",
)
@common_options
def main(
    run: Path,
    bundle: Path,
    precisions: tuple[str, ...],
    data: Path | None,
    ids: Path | None,
    kb: Path | None,
    only_default: bool,
    compact: bool,
    relation_odds: float,
) -> None:
    """Write the model of the training run RUN as the bundle BUNDLE.

    Every graph is compared with torch by names, axes, shapes and values; a bundle that fails is
    not written.
    """
    from keci.export.exporter import export_run

    if only_default and data is None:
        raise UsageError("--only-default needs --data, by which the default is chosen")

    def judge(folder: Path) -> "Manifest":
        from keci.export.validation import choose_default_precision, drop_other_precisions
        from keci.knowledge.choice import knowledge_base_for
        from keci.runtime.bundle import read_manifest

        assert data is not None
        base = knowledge_base_for(kb) if read_manifest(folder).model.knowledge != "none" else None
        judged = choose_default_precision(folder, data, ids, base)
        return drop_other_precisions(folder) if only_default else judged

    with step_shown(f"exporting {run}, comparing each graph with torch"):
        manifest = export_run(
            run,
            bundle,
            precisions or ("fp32",),
            compact=compact,
            relation_odds=relation_odds,
            judge=judge if data is not None else None,
        )
    print_summary(str(bundle), _sizes(manifest))
    default = manifest.default_precision
    click.echo(f"{bundle}: {', '.join(manifest.precisions)}; keci-extract runs {default}")


def _sizes(manifest: "Manifest") -> dict[str, str]:
    """What the files of each precision take, and those that all of them share."""
    sizes = dict.fromkeys(manifest.precisions, 0)
    shared = 0
    for name, file in manifest.files.items():
        precision = name.partition("/")[0]
        if precision in sizes:
            sizes[precision] += file.size
        else:
            shared += file.size
    return {name: f"{size / 1e6:,.1f} MB" for name, size in {**sizes, "shared": shared}.items()}
