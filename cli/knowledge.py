"""Which knowledge base a command reads."""

from pathlib import Path

from keci.errors import UsageError
from keci.knowledge.location import default_knowledge_base_path
from keci.knowledge.store import KnowledgeBase, open_knowledge_base


def knowledge_base_for(path: Path | None) -> KnowledgeBase:
    """The knowledge base at ``path``, or the default one; raises UsageError where there is none."""
    folder = path or default_knowledge_base_path()
    if not folder.is_dir():
        raise UsageError(
            f"there is no knowledge base at {folder}: build one with "
            f"'keci-kb build open --output {folder}', or name another with --kb"
        )
    return open_knowledge_base(folder)
