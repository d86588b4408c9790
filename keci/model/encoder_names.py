"""The encoders that KECI knows by a name of its own; light to import."""

from pathlib import Path

BIOMEDICAL = "biomedical"
MINILM = "minilm"
MPNET = "mpnet"
BUILT_IN = (BIOMEDICAL, MINILM, MPNET)
ENCODERS = f"{MINILM}, {MPNET}, a folder with a transformers model, or a hub name."
"""What an option that names an encoder takes, for its help."""

BIOMEDICAL_FOLDER = Path(__file__).resolve().parents[1] / "models" / "encoder"
"""MiniLM adapted to biomedical text, in a clone of the repository; the wheel has no room for it."""


def default_encoder() -> str:
    """What training begins with: the adapted encoder where it is there, else MiniLM as it came."""
    return BIOMEDICAL if BIOMEDICAL_FOLDER.is_dir() else MINILM
