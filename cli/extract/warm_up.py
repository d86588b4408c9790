"""keci-extract warm-up: what a model makes at its first use, made before a run."""

import click

from keci.cli.completion import completed, shipped_models
from keci.cli.options import common_options, is_quiet, options_of
from keci.opening import ModelOptions

_EPILOG = """\b
Example:
  keci-extract warm-up --model ade --device tensorrt --precision fp16
"""

_OF_A_RUN = (
    "mentions", "vocabulary", "threads", "processes", "unit", "engine", "ray_address",
)  # fmt: skip


@click.command("warm-up", epilog=_EPILOG)
@options_of(
    ModelOptions,
    "model_options",
    complete={"model": completed(shipped_models, or_files=True)},
    without=_OF_A_RUN,
)
@common_options
def warm_up(model_options: ModelOptions) -> None:
    """Make and keep what a model makes at its first use on a device.

    These are graphs of another precision and, with --device tensorrt, the engines of this GPU,
    which take minutes and which a run does not build. They are kept in the user's cache, once for
    each model, precision, GPU and version of the libraries.
    """
    from keci.opening import warm_up as warm

    model = warm(model_options)
    if not is_quiet():
        click.echo(f"{model['name']}: ready in {model['precision']} on {model['device']}", err=True)
