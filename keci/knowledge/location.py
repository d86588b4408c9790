"""Where the knowledge base lies that commands use by default."""

import os
from pathlib import Path

import platformdirs


def default_knowledge_base_path() -> Path:
    """The folder named by KECI_KB, or kb/open in the user's data folder."""
    named = os.environ.get("KECI_KB")
    return Path(named) if named else Path(platformdirs.user_data_dir("keci")) / "kb" / "open"
