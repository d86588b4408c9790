"""Which other files an ONNX graph would have read: the locations of its external data.

The graph is walked as the protocol buffer that it is, without the onnx package, which extraction
does not need. Only the fields through which a tensor can be reached are followed.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keci.errors import BundleError

_FIELDS: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""The message of each field number, from onnx.proto."""

_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MOST_MESSAGES = 10_000_000
_NOWHERE = ""


def external_locations(path: Path) -> frozenset[str]:
    """The files that tensors name as theirs, "" for one that names none; usually there are none.

    Raises BundleError where the file is no ONNX graph.
    """
    if not path.stat().st_size:
        raise BundleError(f"{path} is no ONNX graph: it is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            return frozenset(_locations(content))
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            raise BundleError(f"{path} is no ONNX graph: {error}") from error


def _locations(content: mmap.mmap) -> Iterator[str]:
    open_messages = [("model", 0, len(content))]
    for _ in range(_MOST_MESSAGES):
        if not open_messages:
            return
        kind, start, end = open_messages.pop()
        if kind == "tensor":
            yield from _tensor_location(content, start, end)
            continue
        for number, first, last, _ in _fields(content, start, end):
            if number in _FIELDS[kind] and last >= 0:
                open_messages.append((_FIELDS[kind][number], first, last))
    raise ValueError("it has too many parts")


def _tensor_location(content: mmap.mmap, start: int, end: int) -> Iterator[str]:
    """Where a tensor's data is, if not in the graph."""
    location = None
    for number, first, last, value in _fields(content, start, end):
        if number == _DATA_LOCATION and value == _EXTERNAL:
            location = location or _NOWHERE
        if number == _EXTERNAL_DATA and last >= 0:
            entry = {key: content[a:b] for key, a, b, _ in _fields(content, first, last) if b >= 0}
            is_location = entry.get(_KEY) == b"location"
            location = entry.get(_VALUE, b"").decode() if is_location else location or _NOWHERE
    if location is not None:
        yield location


def _fields(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, first and last byte (-1 for numbers), and value of each field of a message."""
    place = start
    while place < end:
        tag, place = _varint(content, place)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, place = _varint(content, place)
            yield number, place, -1, value
        elif wire == _BYTES:
            size, place = _varint(content, place)
            yield number, place, place + size, 0
            place += size
        elif wire in (_FIXED32, _FIXED64):
            place += 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"the wire type {wire} at byte {place}")
        if place > end:
            raise ValueError(f"a field ends behind its message at byte {place}")


def _varint(content: mmap.mmap, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        byte = content[place + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, place + shift + 1
    raise ValueError(f"a number without end at byte {place}")
