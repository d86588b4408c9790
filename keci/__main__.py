"""``python -m keci COMMAND ...``: the commands of KECI, where their scripts are not on the path."""

import sys
from importlib.metadata import entry_points

import click

PREFIX = "keci-"


def main() -> None:
    """Run the command that the first argument names, with or without its prefix."""
    scripts = {
        script.name.removeprefix(PREFIX): script
        for script in entry_points(group="console_scripts")
        if script.name.startswith(PREFIX)
    }
    arguments = sys.argv[1:]
    name = arguments[0].removeprefix(PREFIX) if arguments else "--help"
    if name in ("--version", "-V"):
        from keci import __version__

        click.echo(f"KECI, version {__version__}")
    elif name in scripts:
        sys.argv = [f"{PREFIX}{name}", *arguments[1:]]
        scripts[name].load()()
    else:
        click.echo(f"Usage: python -m keci {{{','.join(sorted(scripts))}}} [OPTIONS] ...")
        sys.exit(0 if name in ("--help", "-h") and arguments else 2)


if __name__ == "__main__":
    main()
