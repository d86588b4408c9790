"""The check of licences in .ci/licences.py."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "licences.py"
is_refused = runpy.run_path(str(SCRIPT))["is_refused"]


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "GPL-3.0-or-later", "GPL-2.0", "GPLv3", "AGPL-3.0-only",
     "MIT AND GPL-2.0-only", "GNU General Public License v3 (GPLv3)",
     "GNU Affero General Public License v3",
     "GNU General Public License v2 or later (GPLv2+)", "SSPL-1.0", "Other/Proprietary License",
     "BUSL-1.1", "GPL-2.0-only OR AGPL-3.0-only", "LGPL-3.0-only AND GPL-3.0-only"],
)  # fmt: skip
def test_licences_that_spread_are_refused(licence: str) -> None:
    assert is_refused(licence)


@pytest.mark.parametrize(
    "licence",
    ["MIT", "Apache-2.0", "BSD License", "MPL-2.0", "UNKNOWN", "LGPL-2.1-or-later",
     "MIT AND (BSD-2-Clause OR LGPL-2.1-or-later)", "MIT OR GPL-3.0-or-later",
     "GNU Lesser General Public License v3 (LGPLv3)", "MIT License; GNU General Public License",
     "GNU Library or Lesser General Public License (LGPL)", "Python Software Foundation License"],
)  # fmt: skip
def test_others_are_not(licence: str) -> None:
    assert not is_refused(licence)


def test_what_is_refused_is_named() -> None:
    listed = [{"Name": "x", "Version": "1", "License": name} for name in ("MIT", "GPL-3.0-only")]
    command = [sys.executable, str(SCRIPT)]
    done = subprocess.run(
        command, input=json.dumps(listed), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "x 1: GPL-3.0-only\n"
