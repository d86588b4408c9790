"""keci-serve under load, against keci-extract on the same texts.

``python -m benchmarks.serving CORPUS --requests 1000 --clients 32 -- OPTIONS``: each text of the
corpus is a request; OPTIONS (``--model``, ``--kb``, ``--threads``) go to both commands. Prints
whether both give the same records, texts a second, the median and the slowest hundredth of the
answers, and what malformed, huge and slow requests get while others are answered.
"""

import argparse
import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

import keci
from benchmarks.commands import PROGRAM, parse_before_options
from keci.cli.options import errors_told

_SERVER = "from keci.cli.serve import main; main()"
_HEADERS = {"Content-Type": "application/json"}
_SLOW_CLIENTS, _BODY_SECONDS = 50, 5
_BAD_BODIES = (b"{", b"", b"null", b'{"text": 3}', b"[" * 5000, b"\xff\xfe", b'{"text": "\\ud800"}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=32)
    given, options = parse_before_options(parser)
    documents = [
        keci.Document(str(number), document.text)
        for number, document in enumerate(
            islice(cycle(keci.read(given.corpus)), given.requests), start=1
        )
    ]
    words = sum(len(document.text.split()) for document in documents)
    print(
        f"{len(documents)} requests of {words / len(documents):.0f} words, {given.clients} clients"
    )
    expected, seconds = extracted(documents, options)
    print(f"keci-extract: {len(documents) / seconds:.1f} texts/s once it is open")
    with served(options) as port:
        ask_all(port, documents[: given.clients * 2], given.clients)  # it warms up
        started, used, own = time.perf_counter(), processor_seconds(port), time.process_time()
        answers, latencies = ask_all(port, documents, given.clients)
        seconds, own = time.perf_counter() - started, time.process_time() - own
        used = processor_seconds(port) - used
        print(f"keci-serve: {len(documents) / seconds:.1f} texts/s; {quantiles(latencies)}")
        each = [f"{spent / len(documents) * 1000:.1f}" for spent in (used, own)]
        print(f"processor time: {each[0]} ms a text of the server, {each[1]} of its clients")
        same = sum(answers[item.id] == expected[item.id] for item in documents)
        print(f"same records: {same} of {len(documents)}; {mean_batch(port):.1f} texts a batch")
        print("bad requests:", dict(bad_requests(port)))
        with slow_clients(port) as slow:
            _, latencies = ask_all(port, documents[:200], given.clients)
            print(f"beside {_SLOW_CLIENTS} slow clients: {quantiles(latencies)}")
            time.sleep(2 * _BODY_SECONDS)
            print("slow clients:", dict(Counter(status(item, 0.1) for item in slow)))
        refused = Counter(flood(port, documents[:900]))
        print("nine hundred requests at once:", dict(refused))
        print(
            "after all that:", ask(http.client.HTTPConnection("127.0.0.1", port), documents[0])[0]
        )


def quantiles(latencies: Sequence[float]) -> str:
    """The median and the slowest hundredth, in milliseconds."""
    hundredths = statistics.quantiles(latencies, n=100)
    return f"p50 {hundredths[49] * 1000:.0f} ms, p99 {hundredths[98] * 1000:.0f} ms"


def extracted(
    documents: Sequence[keci.Document], options: Sequence[str]
) -> tuple[dict[str, Any], float]:
    """The records of keci-extract by id, and its seconds without those of opening."""
    with tempfile.TemporaryDirectory() as folder:
        texts, output, metrics = (
            Path(folder, name) for name in ("in.jsonl", "out.jsonl", "m.json")
        )
        lines = (orjson.dumps({"id": item.id, "text": item.text}) for item in documents)
        texts.write_bytes(b"\n".join(lines))
        files = (str(texts), "-o", str(output), "--metrics", str(metrics))
        subprocess.run([sys.executable, "-c", PROGRAM, *files, *options], check=True)
        records = map(orjson.loads, output.read_bytes().splitlines())
        return {record["id"]: record for record in records}, orjson.loads(metrics.read_bytes())[
            "seconds"
        ]


@contextmanager
def served(options: Sequence[str]) -> Iterator[int]:
    """The port of a server that lives as long as the block."""
    line = [
        sys.executable,
        "-c",
        _SERVER,
        "--port",
        "0",
        "--body-seconds",
        str(_BODY_SECONDS),
        *options,
    ]
    with subprocess.Popen(line, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            found = next(line for line in process.stderr if b'"listening"' in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            time.sleep(1)
            yield orjson.loads(found)["port"]
        finally:
            process.terminate()
            print("server ended with", process.wait(60))


def ask(connection: http.client.HTTPConnection, document: keci.Document) -> tuple[int, Any, float]:
    """Status, answer and seconds of a request."""
    body = orjson.dumps({"id": document.id, "text": document.text})
    started = time.perf_counter()
    connection.request("POST", "/extract", body, _HEADERS)
    response = connection.getresponse()
    content = response.read()
    return response.status, orjson.loads(content), time.perf_counter() - started


def ask_all(
    port: int, documents: Sequence[keci.Document], clients: int
) -> tuple[dict[str, Any], list[float]]:
    """Each document asked for by one of so many clients, who each wait for their answer."""
    left, answers, latencies = iter(documents), dict[str, Any](), list[float]()
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                document = next(left, None)
            if document is None:
                return
            code, answer, seconds = ask(connection, document)
            if code != 200:
                raise RuntimeError(f"{code}: {answer}")
            answers[document.id] = answer
            latencies.append(seconds)

    with ThreadPoolExecutor(clients) as pool:
        for future in [pool.submit(work) for _ in range(clients)]:
            future.result()
    return answers, latencies


def bad_requests(port: int) -> Counter[int | str]:
    """The statuses of malformed and huge bodies."""
    found: Counter[int | str] = Counter()
    bodies = (
        *_BAD_BODIES,
        orjson.dumps({"text": "a " * 60_000}),
        orjson.dumps({"texts": ["a"] * 65}),
    )
    for body in bodies:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/extract", body, _HEADERS)
        found[connection.getresponse().status] += 1
    huge = socket.create_connection(("127.0.0.1", port), timeout=60)
    huge.sendall(_head(10**9))
    found[status(huge)] += 1
    return found


@contextmanager
def slow_clients(port: int) -> Iterator[list[socket.socket]]:
    """Clients that have sent the beginning of a request, half of them not all of its head."""
    with ExitStack() as stack:
        slow = []
        for number in range(_SLOW_CLIENTS):
            connection = socket.create_connection(("127.0.0.1", port), timeout=15)
            stack.enter_context(connection)
            connection.sendall(_head(100)[: None if number % 2 else 40])
            slow.append(connection)
        yield slow


def mean_batch(port: int) -> float:
    """How many texts were read together."""
    values = metrics(port)
    return values["keci_batch_texts_sum"] / values["keci_batch_texts_count"]


def processor_seconds(port: int) -> float:
    """What the server has used since it began, with the opening of the model."""
    return metrics(port)["process_cpu_seconds_total"]


def metrics(port: int) -> dict[str, float]:
    """The values of /metrics by name and labels."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def status(connection: socket.socket, seconds: float = 120) -> int | str:
    """The status that a connection gets; what happened where it gets none."""
    connection.settimeout(seconds)
    try:
        received = connection.recv(4096)
    except TimeoutError:
        return "open"
    return int(received.split(b" ")[1]) if received else "closed"


def _head(length: int) -> bytes:
    lines = ("POST /extract HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()


def flood(port: int, documents: Sequence[keci.Document]) -> Iterator[int]:
    """The statuses of requests that are all sent before any answer is waited for."""
    with ExitStack() as stack:
        connections = []
        for document in documents:
            body = orjson.dumps({"text": document.text})
            connection = socket.create_connection(("127.0.0.1", port), timeout=120)
            stack.enter_context(connection)
            connection.sendall(_head(len(body)) + body)
            connections.append(connection)
        for connection in connections:
            found = status(connection)
            yield found if isinstance(found, int) else 0


if __name__ == "__main__":
    with errors_told():
        main()
