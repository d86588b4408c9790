"""A synthetic UMLS release of any size: ``python -m benchmarks.umls_release FOLDER``.

Concepts are numbered, their names are combinations of syllables; each concept has as many names and
relations as the totals ask for. For measuring the build alone: the content means nothing.
"""

import argparse
import random
from pathlib import Path

from keci.cli.options import errors_told

SYLLABLES = ("ba", "do", "fi", "gu", "ka", "le", "mo", "nu", "pi", "ra", "so", "tu", "vi", "xa")
TYPES = ("T116", "T121", "T047", "T028", "T023", "T061")
RELATIONS = (("CHD", "isa"), ("RO", "may_treat"), ("RO", "part_of"), ("RB", ""), ("SIB", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--concepts", type=int, default=2_000_000)
    parser.add_argument("--names", type=int, default=8_000_000)
    parser.add_argument("--relations", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    meta, net = options.folder / "META", options.folder / "NET"
    meta.mkdir(parents=True, exist_ok=True)
    net.mkdir(exist_ok=True)
    write_concepts(meta, options.concepts, options.names // options.concepts, chance)
    write_relations(meta / "MRREL.RRF", options.concepts, options.relations, chance)
    write_network(net)


def write_concepts(meta: Path, count: int, names_each: int, chance: random.Random) -> None:
    with (meta / "MRCONSO.RRF").open("w") as names, (meta / "MRSTY.RRF").open("w") as types:
        for number in range(1, count + 1):
            cui = f"C{number:07}"
            types.write(f"{cui}|{TYPES[number % len(TYPES)]}||Type|||\n")
            for ordinal in range(names_each):
                status = "P" if ordinal == 0 else "S"
                name = f"{_name(chance)} {number % 9973}"
                names.write(f"{cui}|ENG|{status}||PF||Y|A||||MTH|PN|{number}|{name}|0|N||\n")


def write_relations(path: Path, concepts: int, count: int, chance: random.Random) -> None:
    with path.open("w") as stream:
        for _ in range(count):
            first, second = chance.randrange(concepts) + 1, chance.randrange(concepts) + 1
            rel, rela = RELATIONS[first % len(RELATIONS)]
            stream.write(f"C{first:07}|A|SCUI|{rel}|C{second:07}|A|SCUI|{rela}|R||MTH|MTH|||N||\n")


def write_network(net: Path) -> None:
    (net / "SRDEF").write_text(
        "".join(f"STY|{code}|Type {code}||||||||\n" for code in TYPES) + "RL|T154|treats||||||||\n"
    )
    (net / "SRSTRE1").write_text("T121|T154|T047|\n")


def _name(chance: random.Random) -> str:
    return " ".join("".join(chance.choices(SYLLABLES, k=4)) for _ in range(2))


if __name__ == "__main__":
    with errors_told():
        main()
