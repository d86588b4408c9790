"""keci-extract as a command of its own, and the command lines that pass options on to it."""

import argparse
import sys

PROGRAM = "from keci.cli.extract.command import main; main()"
MEGABYTE = 1 << 20


def parse_before_options(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[str]]:
    """What this program was given, and after ``--`` the options of keci-extract."""
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:split]), words[split + 1 :]
