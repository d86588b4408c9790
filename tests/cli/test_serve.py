"""keci-serve as a process: real sockets, slow clients, signals."""

import http.client
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

pytest.importorskip("fastapi", reason="FastAPI is not installed (keci[serve])")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (keci[serve])")
pytest.importorskip("prometheus_client", reason="keci[serve] is not installed")

from keci.cli.serve import main  # after FastAPI is known to be there
from keci.errors import UsageError
from keci.serving.options import ServeOptions
from keci.serving.server import _bound, _listen

HEAD_SECONDS = 2.0
COMMAND = (
    sys.executable,
    "-c",
    f"from keci.serving import protocol; protocol.HEAD_SECONDS = {HEAD_SECONDS}\n"
    "from keci.cli.serve import main; main()",
)


class Server:
    """A running keci-serve."""

    def __init__(self, bundle: Path, *options: str) -> None:
        line = [*COMMAND, "--model", str(bundle), "--no-kb", "--port", "0", *options]
        self.process = subprocess.Popen(line, stderr=subprocess.PIPE)
        self.log: list[dict[str, Any]] = []
        self.port = self.wait_for("listening")["port"]

    def wait_for(self, message: str) -> dict[str, Any]:
        """The next line of the log with that message."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(orjson.loads(line))
            if self.log[-1]["message"] == message:
                return self.log[-1]
        raise AssertionError(f"{message!r} is not in the log: {self.log}")

    def connect(self) -> socket.socket:
        for _ in range(100):
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=20)
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise AssertionError("nobody listens")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def server(tiny_bundle: Path) -> Iterator[Server]:
    server = Server(tiny_bundle, "--body-seconds", "1", "--max-body", "20000")
    yield server
    server.process.kill()
    server.process.wait()
    server.process.stderr.close()  # type: ignore[union-attr]  # it was piped


def head(path: str, length: int) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()


def answer(connection: socket.socket) -> bytes:
    """What comes until an answer's end."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return received
        received += part
    return received


def test_slow_huge_and_broken_requests_leave_the_others_alone(server: Server) -> None:
    body = orjson.dumps({"text": "rash after abc"})
    slow, huge, broken = server.connect(), server.connect(), server.connect()
    slow.sendall(head("/extract", len(body)) + body[:5])
    huge.sendall(head("/extract", 10_000_000) + b"x" * 10)
    broken.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
    assert answer(huge).startswith(b"HTTP/1.1 413")
    assert answer(broken).startswith(b"HTTP/1.1 400")
    url = f"http://127.0.0.1:{server.port}/extract"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as found:
        assert orjson.loads(found.read())["text"] == "rash after abc"
    assert answer(slow).startswith(b"HTTP/1.1 408")
    for connection in (slow, huge, broken):
        connection.close()
    assert server.end() == 0


def test_a_head_that_does_not_come_closes_the_connection(
    server: Server,
) -> None:
    silent, half = server.connect(), server.connect()
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    half.sendall(b"POST /extract HTTP/1.1\r\nHost: loc")
    deadline = time.monotonic() + HEAD_SECONDS + 5
    while time.monotonic() < deadline - 4:
        kept.request("GET", "/health")
        assert kept.getresponse().read() == b'{"status":"ok"}'
        time.sleep(0.5)
    for connection in (silent, half):
        connection.settimeout(deadline - time.monotonic())
        assert connection.recv(100) == b""
        connection.close()
    kept.close()


def test_open_requests_are_answered_when_it_is_stopped(server: Server) -> None:
    body = orjson.dumps({"texts": ["rash after abc. " * 30] * 30})
    connection = server.connect()
    connection.sendall(head("/extract", len(body)) + body[:-1])
    time.sleep(0.3)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    connection.sendall(body[-1:])
    assert answer(connection).startswith(b"HTTP/1.1 200")
    assert server.process.wait(30) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


@pytest.mark.usefixtures("_as_before")
def test_a_taken_address_is_told(tiny_bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = ["--model", str(tiny_bundle), "--port", str(taken.getsockname()[1])]
        done = CliRunner().invoke(main, line)
    assert done.exit_code == 2
    assert "Error: cannot listen at 127.0.0.1" in done.stderr


@pytest.mark.usefixtures("_as_before")
def test_wrong_models_are_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--model", str(tmp_path), "--port", "0"])
    assert done.exit_code == 2
    assert "no bundle folder" in done.stderr


def test_of_two_servers_with_one_address_the_later_is_told() -> None:
    with _bound(ServeOptions(port=0)) as first:
        options = ServeOptions(port=first.getsockname()[1])
        with _bound(options) as second:  # while neither listens, both may have it
            _listen(first, options)
            with pytest.raises(UsageError, match=f"cannot listen at 127.0.0.1:{options.port}"):
                _listen(second, options)


def test_a_port_that_there_is_not_is_told(tiny_bundle: Path) -> None:
    done = CliRunner().invoke(main, ["--model", str(tiny_bundle), "--no-kb", "--port", "99999"])
    assert done.exit_code == 2
    assert "cannot listen at 127.0.0.1:99999" in done.stderr
