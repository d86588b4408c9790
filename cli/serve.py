"""keci-serve: extraction over HTTP."""

from dataclasses import replace

import click

from keci.cli.extract.filtering import filter_options
from keci.cli.options import common_options, options_of
from keci.errors import UsageError
from keci.filters import Filter
from keci.opening import ModelOptions
from keci.serving.options import ServeOptions

_EPILOG = """\b
Examples:
  keci-serve --model ade --kb kb/open
  curl -H 'Content-Type: application/json' http://127.0.0.1:8000/extract \\
       -d '{"text": "A severe rash appeared after amoxicillin."}'

It has neither passwords nor encryption: what other machines may reach needs a proxy before it.
"""


@click.command(epilog=_EPILOG)
@options_of(
    ModelOptions, "model_options", without=("mentions", "processes", "engine", "ray_address")
)
@options_of(ServeOptions, "options")
@common_options
@filter_options
def main(options: ServeOptions, model_options: ModelOptions, keep: Filter) -> None:
    """Answer requests for extraction over HTTP, on this machine unless told otherwise.

    POST /extract and /link, GET /models, /health, /ready, /metrics and /openapi.json. The log goes
    to stderr, a line of JSON for each request, without its texts. SIGTERM and SIGINT let open
    requests get their answers. One process reads with all threads; for more, start several.
    """
    try:
        from keci.serving.server import serve
    except ImportError as error:
        raise UsageError("keci-serve needs FastAPI: pip install 'keci[serve]'") from error
    serve(options, replace(model_options, keep=keep, processes=1))
