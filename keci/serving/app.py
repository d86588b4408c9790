"""The HTTP interface: texts in, records out.

    POST /extract   {"text": ...} or {"texts": [...]}: entities, relations, concepts
    POST /link      {"text": ...}: the concepts that the knowledge base has names for
    GET  /models    what is served, and what it finds
    GET  /health, /ready, /metrics, /openapi.json

Nothing is said to other origins (no CORS), and a body must call itself JSON, so that no page of
another site can make a browser ask. The pages that FastAPI makes of OpenAPI are off: they would
load scripts from elsewhere.
"""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

import orjson
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from keci.documents import Document, Failure
from keci.errors import UsageError
from keci.formats.limits import checked_document
from keci.formats.stream import ReadOptions
from keci.pipeline import LinkedMention, Pipeline
from keci.serving.batching import Batcher, FullError, Gate, Outcome
from keci.serving.metrics import CONTENT_TYPE, ServerMetrics
from keci.serving.observing import Observer
from keci.serving.options import ServeOptions
from keci.serving.schemas import (
    ExtractRequest,
    FailureModel,
    LinkRequest,
    LinksModel,
    ModelsModel,
    RecordModel,
    ResultsModel,
    StateModel,
)

_BAD_REQUEST, _TOO_LARGE, _UNSUPPORTED, _UNPROCESSABLE = 400, 413, 415, 422
_TOO_MANY, _UNAVAILABLE = 429, 503
_JSON = re.compile(r"application/([\w.-]+\+)?json\b", re.IGNORECASE)
_REFUSALS: dict[int | str, dict[str, Any]] = {
    _BAD_REQUEST: {"description": "The body is no JSON."},
    408: {"description": "The request did not arrive in time."},
    _TOO_LARGE: {"description": "The request is larger than the limits allow."},
    _UNSUPPORTED: {"description": "The body does not call itself JSON."},
    _TOO_MANY: {"description": "Too many texts wait; try again later."},
    _UNAVAILABLE: {"description": "The answer was not found in time."},
}
_OWN_NAMES = ["localhost", "127.0.0.1", "::1", "[::1]"]
Answer = TypeVar("Answer")


class Service:
    """A pipeline for many clients at once."""

    def __init__(
        self,
        pipeline: Pipeline,
        options: ServeOptions,
        models: Sequence[Mapping[str, Any]],
        *,
        batches: int = 1,
    ) -> None:
        """``models`` is what /models tells; so many ``batches`` are read at the same time."""
        self.pipeline, self.options, self.models = pipeline, options, models
        self.gate = Gate(options.max_waiting)
        self.metrics = ServerMetrics(lambda: self.gate.inside)
        self.batcher = Batcher(
            pipeline.extract,
            most_texts=options.batch_texts,
            threads=batches,
            watch=self.metrics.add_batch,
        )
        self._links = ThreadPoolExecutor(1, "keci-links")

    async def extract(self, documents: Sequence[Document]) -> Sequence[Outcome]:
        """The outcome of each text; raises HTTPException where they are too many or too long."""
        self._check_size(documents)
        checked = [
            checked_document(document, "request", number, ReadOptions())
            for number, document in enumerate(documents, start=1)
        ]
        readable = [document for document in checked if isinstance(document, Document)]
        found = iter(
            await self._answers([partial(self.batcher.submit, document) for document in readable])
        )
        outcomes = [next(found) if isinstance(item, Document) else item for item in checked]
        for outcome in outcomes:
            self.metrics.add_text(failed=isinstance(outcome, Failure))
        return outcomes

    async def link(self, document: Document) -> Sequence[LinkedMention]:
        self._check_size([document])
        checked = checked_document(document, "request", 1, ReadOptions())
        if isinstance(checked, Failure):
            raise HTTPException(_UNPROCESSABLE, checked.reason)
        begin = partial(self._links.submit, self.pipeline.link, checked.text)
        (mentions,) = await self._answers([begin])
        return mentions

    @property
    def is_ready(self) -> bool:
        return self.batcher.is_working and self.gate.inside < self.gate.most

    def close(self) -> None:
        """Answer what waits, then end the threads; the pipeline stays open."""
        self.batcher.close()
        self._links.shutdown()

    def _check_size(self, documents: Sequence[Document]) -> None:
        limits = self.options
        if len(documents) > limits.max_texts:
            raise HTTPException(
                _TOO_LARGE, f"{len(documents)} texts, more than the limit of {limits.max_texts}"
            )
        characters = sum(len(document.text) for document in documents)
        if characters > limits.max_characters:
            raise HTTPException(
                _TOO_LARGE,
                f"{characters:,} characters, more than the limit of {limits.max_characters:,}",
            )

    async def _answers(self, begin: "Sequence[Callable[[], Future[Answer]]]") -> list[Answer]:
        """What each of the tasks gives; raises HTTPException where that takes too long."""
        try:
            self.gate.enter(len(begin))
            futures = [task() for task in begin]
        except FullError as error:
            raise HTTPException(_TOO_MANY, f"{error}", {"Retry-After": "1"}) from error
        for future in futures:
            future.add_done_callback(self.gate.leave)
        try:
            async with asyncio.timeout(self.options.seconds):
                return await asyncio.gather(*map(asyncio.wrap_future, futures))
        except TimeoutError as error:
            raise HTTPException(
                _UNAVAILABLE, "no answer in time; try again later or with shorter texts",
                {"Retry-After": "1"},
            ) from error  # fmt: skip


def make_app(service: Service) -> Observer:
    """The application, observed; it closes the service when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="KECI",
        summary="Entities, relations and concepts of biomedical texts",
        version=version("keci"),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        max_body_size=service.options.max_body,
    )
    _add_reading(app, service)
    _add_state(app, service)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(Exception, _tell_nothing)
    if _is_loopback(service.options.host):
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*_OWN_NAMES, service.options.host])
    return Observer(app, service.metrics, service.options.body_seconds)


def _add_reading(app: FastAPI, service: Service) -> None:
    @app.post(
        "/extract",
        response_model=RecordModel | ResultsModel,
        responses={**_REFUSALS, _UNPROCESSABLE: {"model": FailureModel}},
    )
    async def extract(request: ExtractRequest) -> Response:
        """Entities, relations and concepts: a record for ``text``, results for ``texts``."""
        outcomes = await service.extract(request.documents())
        if request.texts is not None:
            return _json({"results": [_shown(outcome) for outcome in outcomes]})
        is_failure = isinstance(outcomes[0], Failure)
        return _json(_shown(outcomes[0]), _UNPROCESSABLE if is_failure else 200)

    @app.post("/link", response_model=LinksModel, responses=_REFUSALS)
    async def link(request: LinkRequest) -> Response:
        """The spans that the knowledge base has names for, with their concepts, best first."""
        try:
            mentions = await service.link(Document("1", request.text))
        except UsageError as error:  # it reads no knowledge base
            raise HTTPException(404, f"{error}") from error
        return _json({"mentions": [_linked(mention) for mention in mentions]})


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/models", response_model=ModelsModel)
    async def models() -> Response:
        """The model that answers here, the other shipped ones, and what they find."""
        return _json({"models": service.models})

    @app.get("/health", response_model=StateModel)
    async def health() -> Response:
        """Whether the process lives."""
        return _json({"status": "ok"})

    @app.get(
        "/ready",
        response_model=StateModel,
        responses={_UNAVAILABLE: {"description": "It takes no more texts at the moment."}},
    )
    async def ready() -> Response:
        """Whether texts would be taken now."""
        if service.is_ready:
            return _json({"status": "ready"})
        return _json({"status": "busy"}, _UNAVAILABLE)

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters and times, as Prometheus reads them."""
        return Response(service.metrics.exposition(), media_type=CONTENT_TYPE)


def _shown(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return {"id": outcome.id, "error": outcome.reason}
    return outcome.to_record()


def _linked(mention: LinkedMention) -> dict[str, Any]:
    concepts = [concept._asdict() for concept in mention.concepts]
    return {**asdict(mention), "concepts": concepts}


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


async def _refuse(request: Request, error: Exception) -> Response:
    """What is wrong with a body, and where, without the body itself."""
    if not _JSON.match(request.headers.get("content-type", "")):
        return _json({"detail": "expected the header Content-Type: application/json"}, _UNSUPPORTED)
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    is_json = all(item["type"] != "json_invalid" for item in found)
    detail = [
        {"loc": [str(part)[:100] for part in item["loc"]], "msg": str(item["msg"])[:500]}
        for item in list(found)[:10]
    ]
    return _json({"detail": detail}, _UNPROCESSABLE if is_json else _BAD_REQUEST)


async def _tell_nothing(_: Request, __: Exception) -> Response:
    """The log has what went wrong."""
    return _json({"detail": "an internal error"}, 500)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
