"""Checking the hashes of a knowledge base once, and again when its files change."""

import hashlib
from pathlib import Path

import platformdirs

from keci.knowledge.folder import read_manifest, verify_folder


def verify_on_first_use(folder: Path, *, notes: Path | None = None) -> bool:
    """Check the hashes of ``folder`` unless a note says that these passed; True if checked.

    A note is an empty file named by a hash of path, fingerprint, sizes and times of change; notes
    lie in the user's cache folder, or in ``notes``. Where they cannot be written, every use is a
    first one. Raises KnowledgeBaseError where a file differs.
    """
    if notes is None:
        notes = Path(platformdirs.user_cache_dir("keci")) / "verified"
    note = notes / _state(folder)
    if note.is_file():
        return False
    verify_folder(folder)
    try:
        notes.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError:
        return True
    return True


def _state(folder: Path) -> str:
    manifest = read_manifest(folder)
    parts = [str(folder.resolve()), manifest.fingerprint]
    for name in sorted(manifest.files):
        path = folder / name
        status = path.stat() if path.exists() else None
        parts.append(f"{name} {status.st_size} {status.st_mtime_ns}" if status else f"{name} gone")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
