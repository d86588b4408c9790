"""Which knowledge base a command reads, and whose concept mentions."""

import logging
from pathlib import Path

from keci.errors import UsageError
from keci.knowledge.foreign import ForeignMentions
from keci.knowledge.location import default_knowledge_base_path
from keci.knowledge.sources.metamap import read_metamap
from keci.knowledge.store import KnowledgeBase, open_knowledge_base
from keci.knowledge.verification import verify_on_first_use

_LOGGER = logging.getLogger(__name__)


def knowledge_base_for(path: Path | None) -> KnowledgeBase:
    """The knowledge base at ``path``, or the default one, its hashes checked on first use.

    Raises UsageError where there is none, KnowledgeBaseError where it is damaged.
    """
    folder = path or default_knowledge_base_path()
    if not folder.is_dir():
        raise UsageError(
            f"there is no knowledge base at {folder}: build one with "
            f"'keci-kb build open --output {folder}', or name another with --kb"
        )
    verify_on_first_use(folder)
    return open_knowledge_base(folder)


def foreign_mentions(
    path: Path, base: KnowledgeBase, *, max_candidates: int = 6
) -> ForeignMentions:
    """The concept mentions in an output of MetaMap; what the base does not know is logged."""
    mentions = ForeignMentions(read_metamap(path), base, max_candidates=max_candidates)
    if mentions.unknown:
        _LOGGER.warning(
            "%d candidates name concepts that the knowledge base does not have", mentions.unknown
        )
    return mentions
