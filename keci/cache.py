"""A bounded memory of answers that are always the same."""

from typing import TypeVar

LONGEST_KEY = 100
"""Longer words are not remembered, so that a number of entries bounds memory."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Cache(dict[Key, Value]):
    """A dictionary that starts anew when it is full; reading it costs what a dictionary costs."""

    def __init__(self, size: int = 1 << 18) -> None:
        super().__init__()
        self.size = size

    def put(self, key: Key, value: Value) -> Value:
        """Remember ``value``, unless ``key`` is a long text, and return it."""
        if isinstance(key, str) and len(key) > LONGEST_KEY:
            return value
        if len(self) >= self.size:
            self.clear()
        self[key] = value
        return value
