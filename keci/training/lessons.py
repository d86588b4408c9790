"""What a run learns from beside annotated texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keci.documents import Document
from keci.errors import UsageError
from keci.formats.read import read_documents, without_failures


@dataclass(frozen=True, slots=True)
class Lessons:
    """What every fold, seed and trial learns from beside annotation.

    Raises UsageError for texts without a teacher.
    """

    start: str | None = None
    """A run, bundle or shipped model whose weights training begins with; None begins with the
    encoder's.
    """
    teachers: tuple[str, ...] = ()
    """Such models whose probabilities the model imitates (see ``training.teachers``)."""
    unlabelled: Path | None = None
    """Texts of which the teachers alone tell."""

    def __post_init__(self) -> None:
        if self.unlabelled and not self.teachers:
            raise UsageError("unlabelled texts teach nothing without a teacher: give --teacher")

    def describe(self) -> Mapping[str, str]:
        """Names of what is given, for a run's settings."""
        given = {
            "start": Path(self.start).name if self.start else "",
            "teachers": ", ".join(Path(model).name for model in self.teachers),
            "unlabelled": self.unlabelled.name if self.unlabelled else "",
        }
        return {part: name for part, name in given.items() if name}

    def texts(self) -> tuple[Document, ...]:
        """The unlabelled texts; raises DataError where one cannot be read."""
        if self.unlabelled is None:
            return ()
        return tuple(without_failures(read_documents([str(self.unlabelled)])))


NO_LESSONS = Lessons()
