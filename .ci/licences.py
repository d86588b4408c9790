"""Refuses packages whose licences KECI's cannot be joined with.

Reads the list of ``pip-licenses --format json`` from standard input, prints the packages that are
refused, and exits with 1 where there are some. Licences come as SPDX expressions (GPL-3.0-only) or
as names (GNU General Public License v3 (GPLv3)); of alternatives one is enough.
"""

import json
import re
import sys

REFUSED = re.compile(
    r"(?<![\w-])(?:AGPL|GPL|SSPL|BUSL|Commons-Clause)(?![a-uw-z])|proprietary"
    r"|(?<!Lesser )(?<!Library or )(?:Affero )?General Public Licen[cs]e"
    r"|Server Side Public|Business Source",
    re.IGNORECASE,
)
AND, OR = re.compile(r"\s+AND\s+"), re.compile(r"\s+OR\s+|\s*;\s*")


def is_refused(licence: str) -> bool:
    """Whether one of the licences that hold together has no alternative that is allowed."""
    return any(all(map(REFUSED.search, OR.split(part))) for part in AND.split(licence))


def main() -> None:
    packages = json.load(sys.stdin)
    refused = [item for item in packages if is_refused(item["License"])]
    for item in refused:
        print(f"{item['Name']} {item['Version']}: {item['License']}", file=sys.stderr)
    sys.exit(bool(refused))


if __name__ == "__main__":
    main()
