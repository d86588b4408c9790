"""Every request is given an id, counted, and logged as a line of JSON; no text of it is."""

import asyncio
import logging
import re
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import HTTPException

from keci.printable import printable_lines
from keci.serving.metrics import ServerMetrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOGGER = logging.getLogger(__name__)
_ID = re.compile(rb"[\w.-]{1,64}", re.ASCII)
_ID_HEADER = b"x-request-id"
_OTHER_PATH = "other"


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON; ``extra={"facts": {...}}`` adds fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": printable_lines(record.getMessage()),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class Observer:
    """The outermost layer of the server; a body must have arrived after ``body_seconds``."""

    def __init__(self, app: "ASGIApp", metrics: ServerMetrics, body_seconds: float) -> None:
        self.app, self.metrics, self.body_seconds = app, metrics, body_seconds

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        request_id = _request_id(scope)

        async def tell(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_ID_HEADER, request_id)]
            await send(message)

        try:
            await self.app(scope, self._in_time(receive, started), tell)
        except Exception:  # the application has answered 500 already
            _LOGGER.exception("a request failed", extra={"facts": {"id": request_id.decode()}})
        finally:
            path = getattr(scope.get("route"), "path", _OTHER_PATH)
            seconds = time.perf_counter() - started
            self.metrics.add_request(path, status, seconds)
            _LOGGER.info(
                "request", extra={"facts": _facts(scope, request_id.decode(), status, seconds)}
            )

    def _in_time(self, receive: "Receive", started: float) -> "Receive":
        """Receives the body of a request, and raises 408 where that takes too long."""
        arrived = False

        async def received() -> "Message":
            nonlocal arrived
            if arrived:
                return await receive()
            left = self.body_seconds - (time.perf_counter() - started)
            try:
                async with asyncio.timeout(max(left, 0)):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, "the request did not arrive in time") from error
            arrived = not message.get("more_body", False)
            return message

        return received


def _request_id(scope: "Scope") -> bytes:
    """The id that the client gave, where it is a plain one, else a new one."""
    given = next((value for name, value in scope["headers"] if name == _ID_HEADER), b"")
    return given if _ID.fullmatch(given) else uuid.uuid4().hex.encode()


def _facts(scope: "Scope", request_id: str, status: int, seconds: float) -> dict[str, Any]:
    client = scope.get("client")
    return {
        "id": request_id,
        "client": client[0] if client else None,
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "seconds": round(seconds, 6),
    }
