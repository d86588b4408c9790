"""The server process: it listens until SIGINT or SIGTERM, then answers what is open and ends."""

import logging
import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import uvicorn

from keci.errors import UsageError
from keci.opening import ModelOptions, collect_rarely, open_extractor
from keci.pipeline import Pipeline
from keci.serving.app import Service, make_app
from keci.serving.observing import JsonFormatter
from keci.serving.options import ServeOptions
from keci.serving.protocol import TimedProtocol

_LOGGER = logging.getLogger(__name__)
_MOST_BATCHES = 2
_BACKLOG = 2048


def serve(options: ServeOptions, model: ModelOptions) -> None:
    """Open the model and answer requests until a signal comes.

    Raises UsageError where the address is taken, and where the model cannot be opened.
    """
    _log_json()
    with _bound(options) as address, Pipeline(open_extractor(model)) as pipeline:
        _listen(address, options)
        collect_rarely()
        models = known_models(model.model, pipeline.description)
        service = Service(pipeline, options, models, batches=_batches_at_once(model))
        server = uvicorn.Server(_config(service, options))
        for number in (signal.SIGINT, signal.SIGTERM):
            # uvicorn raises the signal once more when it has stopped, for those who were before it.
            signal.signal(number, lambda *_: None)
        host, port, *_ = address.getsockname()
        _LOGGER.info("listening", extra={"facts": {"host": host, "port": port}})
        try:
            server.run(sockets=[address])
        finally:
            service.close()
    _LOGGER.info("stopped")


def _batches_at_once(model: ModelOptions) -> int:
    """Two where there are cores for both; on one they would only make each other smaller."""
    from keci.runtime.threads import ThreadPlan

    return min(ThreadPlan.divide(model.threads, model.device).workers, _MOST_BATCHES)


def _bound(options: ServeOptions) -> socket.socket:
    """A socket at the address, before the model is opened; nobody can connect to it yet."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    address = socket.socket(family)
    address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        address.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        address.close()
        raise _unusable(options, error) from error
    return address


def _listen(address: socket.socket, options: ServeOptions) -> None:
    """Of two servers that have one address while they open their models, the later is told here."""
    try:
        address.listen(_BACKLOG)
    except OSError as error:
        raise _unusable(options, error) from error


def _unusable(options: ServeOptions, error: Exception) -> UsageError:
    return UsageError(f"cannot listen at {options.host}:{options.port}: {error}")


def known_models(served: str, description: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What /models tells: the served model first, then the other shipped ones."""
    from keci.runtime.bundle import read_manifest
    from keci.runtime.shipped import find_bundle, shipped_models

    found = []
    for name in (served, *(name for name in shipped_models() if name != served)):
        manifest = read_manifest(find_bundle(name))
        facts = {
            "name": manifest.name,
            "served": name == served,
            "units": list(manifest.units),
            "entity_types": list(manifest.schema.entity_types),
            "relation_types": [relation.name for relation in manifest.schema.relation_types],
        }
        found.append({**facts, "description": dict(description)} if name == served else facts)
    return found


def _config(service: Service, options: ServeOptions) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(service),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=TimedProtocol,
        ws="none",
        limit_concurrency=options.max_connections,
        timeout_graceful_shutdown=options.stop_seconds,
    )


def _log_json() -> None:
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonFormatter())
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
