"""Pages out of templates: one file of HTML each, which asks nothing of the network.

A content security policy allows the page's own script and style, named by their hashes, and
nothing else; all data are escaped.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

SCRIPTS = ("lines.js", "drawing.js", "details.js", "filters.js", "tables.js", "page.js")
STYLE = "page.css"
_UNSAFE_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def render(template: str, *, scripts: Sequence[str] = (), **values: Any) -> str:
    """A template filled in; ``scripts`` are the files whose text makes up its one script."""
    from markupsafe import Markup

    style = _template_text(STYLE)
    script = _joined(scripts) if scripts else ""
    return _environment().get_template(template).render(
        style=Markup(style),  # a file of this package
        script=Markup(script),
        policy=_policy(style, script),
        **values,
    )  # fmt: skip


def script_json(value: Any) -> str:
    r"""A value as JSON that can stand inside a script element whatever it holds.

    >>> script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_UNSAFE_IN_SCRIPT)


def _joined(names: Sequence[str]) -> str:
    """The files as one script with a scope of its own."""
    parts = "\n".join(_template_text(name) for name in names)
    data = 'const PAGE = JSON.parse(document.getElementById("page-data").textContent);'
    return f'(() => {{\n"use strict";\n{data}\n{parts}\n}})();'


def _policy(style: str, script: str) -> str:
    sources = [f"style-src '{_hash(style)}'"]
    if script:
        sources.append(f"script-src '{_hash(script)}'")
    return "; ".join(
        ("default-src 'none'", *sources, "img-src data:", "base-uri 'none'", "form-action 'none'")
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _template_text(name: str) -> str:
    return (files("keci.view") / "templates" / name).read_text("utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("keci.view"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = lambda value: Markup(script_json(value))
    return environment
