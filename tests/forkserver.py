"""Processes that begin with torch, ONNX Runtime and KECI imported, which takes seconds each time.

A server imports them once and forks where a test would start an interpreter. A fork has its own
memory, signals, pipes, environment and exit code. What a process imports is tested with an
interpreter of its own.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import IO

PRELOADED = ("keci.cli.extract.command", "keci.corpus.workers.worker", "keci.runtime.extractor")
_MOST_BYTES = 1 << 17
"""Of a request: code, arguments and environment."""


class ForkedProcess:
    """What a ``subprocess.Popen`` is to KECI and its tests."""

    def __init__(
        self, status: socket.socket, stdin: IO[bytes] | None, stdout: IO[bytes] | None
    ) -> None:
        self._status = status
        self.stdin, self.stdout = stdin, stdout
        self.pid = int(status.recv(_MOST_BYTES))
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal; raises ``subprocess.TimeoutExpired``."""
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                self.returncode = int(self._status.recv(_MOST_BYTES))
            except TimeoutError:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self._status.close()
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


class ForkServer:
    """Starts processes that run the code of commands ``python ... -c CODE ARGUMENT...``."""

    def __init__(self) -> None:
        self._requests, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(other.fileno())], pass_fds=[other.fileno()]
            )

    def start(
        self,
        command: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        process_group: int | None = None,
    ) -> ForkedProcess:
        """As ``subprocess.Popen``; ``stdin`` and ``stdout`` are inherited, or PIPE."""
        assert command[0] == sys.executable
        code, *arguments = command[command.index("-c") + 1 :]
        request = {
            "code": code, "arguments": arguments, "environment": dict(os.environ),
            "folder": os.getcwd(), "is_group": process_group == 0,
        }  # fmt: skip
        with ExitStack() as handed_over:
            given, ours_in = (0, None) if stdin is None else _pipe(handed_over, writes=True)
            taken, ours_out = (1, None) if stdout is None else _pipe(handed_over, writes=False)
            status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            handed_over.enter_context(theirs)
            files = [given, taken, 2, theirs.fileno()]
            socket.send_fds(self._requests, [json.dumps(request).encode()], files)
            return ForkedProcess(status, ours_in, ours_out)

    def close(self) -> None:
        self._requests.close()
        self._process.wait()


def _pipe(handed_over: ExitStack, *, writes: bool) -> tuple[int, IO[bytes]]:
    """The end of a new pipe for the process, which is closed here once handed over, and ours."""
    reading, writing = os.pipe()
    theirs, ours = (reading, writing) if writes else (writing, reading)
    handed_over.callback(os.close, theirs)
    return theirs, os.fdopen(ours, "wb" if writes else "rb")


def serve(requests: socket.socket) -> str:
    """Fork for each request; returns the code to run in a fork, and nothing in the server."""
    for name in PRELOADED:
        import_module(name)
    assert len(os.listdir("/proc/self/task")) == 1, "a fork has none of the other threads"
    while True:
        content, files, _, _ = socket.recv_fds(requests, _MOST_BYTES, 4)
        if not content:
            return ""
        if os.fork() == 0:
            requests.close()
            return _watched(json.loads(content), files)
        for file in files:
            os.close(file)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _watched(request: Mapping[str, object], files: Sequence[int]) -> str:
    """Fork again: this process tells the id and the end of the one that goes on from here."""
    *streams, number = files
    process = os.fork()
    if process == 0:
        os.close(number)
        _become(request, streams)
        return str(request["code"])
    for stream in streams:
        os.close(stream)
    with socket.socket(fileno=number) as status, suppress(BrokenPipeError):
        status.send(str(process).encode())
        status.send(str(_end_of(process)).encode())
        status.recv(_MOST_BYTES)  # until that was read, the id is no other process's
    os.waitpid(process, 0)
    os._exit(0)


def _end_of(process: int) -> int:
    """Its exit code, negative for a signal; its id stays taken."""
    ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert ended
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _become(request: Mapping[str, object], streams: Sequence[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if request["is_group"]:
        os.setpgid(0, 0)
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(request["folder"]))
    sys.argv[:] = ["-c", *arguments]


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _requests:
        _code = serve(_requests)
    exec(compile(_code, "<string>", "exec"), {"__name__": "__main__"})
