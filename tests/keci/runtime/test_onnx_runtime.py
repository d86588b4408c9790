"""A run tells nobody of itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCH = """
import os, re, threading, time

def addresses():
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with open(f"/proc/self/net/{table}") as lines:
            found |= {line.split()[9] for line in lines}
    return found

def connections():
    inodes = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            inodes |= set(re.findall(r"socket:\\[(\\d+)\\]", os.readlink(f"/proc/self/fd/{name}")))
        except OSError:
            pass
    return inodes & addresses() if inodes else inodes

def watch():
    while True:
        if connections():
            with open(os.environ["CONNECTIONS"], "a") as file:
                file.write("one\\n")
        time.sleep(0.002)

threading.Thread(target=watch, daemon=True).start()
"""
"""A sitecustomize that looks for network sockets of its process, whoever opens them."""

EXTRACT = "from keci.cli.extract.command import main; main()"


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python process writes down its network sockets.

    It sees none on a system that does not list them in /proc.
    """
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCH, "utf-8")
    paths = [str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    watching = {"PYTHONPATH": os.pathsep.join(paths), "CONNECTIONS": str(tmp_path / "connections")}
    return {**os.environ, **watching}


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="sockets are not in /proc")
def test_the_watch_sees_a_connection(watched: dict[str, str], tmp_path: Path) -> None:
    code = (
        "import socket, time\n"
        "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:\n"
        "    asking.connect(('127.0.0.1', 53))\n"
        "    time.sleep(0.5)\n"
    )
    subprocess.run([sys.executable, "-c", code], env=watched, check=True)
    assert (tmp_path / "connections").exists()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_run_opens_no_connection_and_leaves_no_telemetry(
    tiny_bundle: Path, tmp_path: Path, watched: dict[str, str], processes: str
) -> None:
    home, texts = tmp_path / "home", tmp_path / "in.jsonl"
    home.mkdir()
    texts.write_text('{"id": "1", "text": "rash after abc"}\n' * 50, "utf-8")
    known = {name: value for name, value in watched.items() if "TELEMETRY" not in name}
    caches = {name: str(home / name) for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    line = [sys.executable, "-c", EXTRACT, str(texts), "--model", str(tiny_bundle), "--no-kb"]
    subprocess.run(
        [*line, "--processes", processes, "-o", str(tmp_path / "out.jsonl")],
        env={**known, **caches, "HOME": str(home), "USERPROFILE": str(home)},
        check=True,
    )
    assert not (tmp_path / "connections").exists()
    assert [path for path in home.rglob("*") if path.is_file()] == []
