"""The knowledge base that a user means, and concept mentions that another program has found."""

import logging
from pathlib import Path

from keci.errors import UsageError
from keci.knowledge.base.folder import default_knowledge_base_path, verify_on_first_use
from keci.knowledge.base.store import KnowledgeBase, open_knowledge_base
from keci.knowledge.linking.metamap import ForeignMentions, read_metamap

_LOGGER = logging.getLogger(__name__)


def knowledge_base_for(path: Path | None) -> KnowledgeBase:
    """The knowledge base at ``path``, or the default one, its hashes checked on first use.

    Raises UsageError where there is none, KnowledgeBaseError where it is damaged.
    """
    folder = knowledge_base_folder(path)
    verify_on_first_use(folder)
    return open_knowledge_base(folder)


def knowledge_base_folder(path: Path | None) -> Path:
    """The folder ``path``, or that of the default one; raises UsageError where there is none."""
    folder = path or default_knowledge_base_path()
    if not folder.is_dir():
        raise UsageError(
            f"there is no knowledge base at {folder}: build one with "
            f"'keci-kb build open --fetch --output {folder}', or name another with --kb"
        )
    return folder


def knowledge_base_or_none(path: Path | None) -> KnowledgeBase | None:
    """As ``knowledge_base_for``, but None where there is no default one, which the log tells."""
    folder = default_knowledge_base_path()
    if path is not None or folder.is_dir():
        return knowledge_base_for(path)
    _LOGGER.warning(
        "no knowledge base at %s: mentions are judged by their context alone and get no concepts; "
        "'keci-kb build open --fetch --output %s' builds one, --no-kb silences this",
        folder, folder,
    )  # fmt: skip
    return None


def foreign_mentions(
    path: Path, base: KnowledgeBase, *, max_candidates: int = 6
) -> ForeignMentions:
    """The concept mentions in an output of MetaMap; what is left out of it is logged."""
    if not path.is_file():
        raise UsageError(f"the mentions in {path} are read more than once: it has to be a file")
    mentions = ForeignMentions(read_metamap(path), base, max_candidates=max_candidates)
    if mentions.unknown:
        _LOGGER.warning(
            "%d candidates name concepts that the knowledge base does not have", mentions.unknown
        )
    if mentions.split:
        _LOGGER.warning(
            "%d candidates in several pieces are left out: a mention is one span", mentions.split
        )
    return mentions
