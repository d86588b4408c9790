"""The wheel holds the commands and models, or the build says why it cannot."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LINKED = ("cli", "export", "models", "recipes")


class LinkCheck(BuildHookInterface):
    """Refuses a tree whose links were checked out as files, which a wheel would hold as text."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        broken = [name for name in LINKED if not (Path(self.root) / "keci" / name).is_dir()]
        if broken and Path(self.root, "keci").is_dir():
            names = ", ".join(f"keci/{name}" for name in broken)
            raise RuntimeError(
                f"{names} should be links to folders, and are not: clone with symbolic links "
                "(git config core.symlinks true, on Windows in developer mode), or build from the "
                "source archive"
            )
