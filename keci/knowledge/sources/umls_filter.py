"""Which part of a UMLS release enters a knowledge base."""

from dataclasses import dataclass

from keci.options import Options, option


@dataclass(frozen=True, slots=True)
class UmlsFilter(Options):
    """Which atoms enter: their language, suppression flags, sources and semantic types.

    Empty ``sources`` or ``types`` allow all.
    """

    language: str = option("ENG", "Language of the names.")
    suppress: tuple[str, ...] = option(
        ("N",), "Suppression flags that enter (N, E, O, Y); may be repeated."
    )
    sources: tuple[str, ...] = option(
        (), "Take this source (SAB) only; may be repeated.", "--source"
    )
    types: tuple[str, ...] = option(
        (), "Take this semantic type (TUI) only; may be repeated.", "--type"
    )
