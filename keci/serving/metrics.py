"""What the server counts, as Prometheus reads it."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class ServerMetrics:
    """Counters in a registry of their own, so that a process may have several servers."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        """``waiting`` gives the number of texts that wait for an answer."""
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "keci_requests", "Requests that were answered.", ("path", "status"), registry=registry
        )
        self._seconds = Histogram(
            "keci_request_seconds",
            "Seconds from the request's first byte to the answer's last.",
            ("path",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._texts = Counter(
            "keci_texts", "Texts that were read.", ("outcome",), registry=registry
        )
        self._batches = Histogram(
            "keci_batch_texts", "Texts that were read together.", buckets=_TEXTS, registry=registry
        )
        gauge = Gauge("keci_waiting_texts", "Texts that wait for an answer.", registry=registry)
        gauge.set_function(waiting)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)

    def add_request(self, path: str, status: int, seconds: float) -> None:
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def add_text(self, *, failed: bool) -> None:
        self._texts.labels("failed" if failed else "extracted").inc()

    def add_batch(self, texts: int) -> None:
        self._batches.observe(texts)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)
