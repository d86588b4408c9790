"""The errors that KECI raises on purpose; everything else is a bug."""


class KeciError(Exception):
    """Base of all errors whose message is meant for the user."""


class UsageError(KeciError):
    """A command or call was given something that it cannot use at all (exit code 2)."""


class DataError(KeciError):
    """A record, file or annotation is not what its format promises."""


class ConfigError(KeciError):
    """A configuration or schema has unknown, missing or contradictory settings."""


class BundleError(KeciError):
    """A model bundle or checkpoint is damaged, foreign or of another version."""


class KnowledgeBaseError(KeciError):
    """A knowledge base is damaged, foreign or of another version."""


class WorkerError(KeciError):
    """A process that works for this one could not be started, or ended before its time."""
