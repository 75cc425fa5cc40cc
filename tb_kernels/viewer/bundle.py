"""The viewer's modules → one script, for a page that asks for nothing beside it.

A browser runs what stands in a page itself only as one text whose digest the page's policy knows,
and modules in one text cannot import each other. So each becomes a function's result, in the order
in which they need each other. It understands the imports and exports that are used here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib import resources

# What a page with answers needs of the modules, and what it does with them.
_FIRST = ("start", "fetching")
_BEGIN = """$start.start(
  document.getElementById("viewer"),
  $fetching.embedded(JSON.parse(document.getElementById("answers").textContent)),
);"""

_IMPORT = re.compile(r'^import \{ (.*) \} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:[^*]|\*(?!/))*\*/|//.*)\n", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*|</script|<!--", re.MULTILINE | re.IGNORECASE)


@lru_cache(maxsize=1)
def script() -> str:
    """All of it; it shows the answers that stand in the page."""
    modules: dict[str, str] = {}
    for name in _FIRST:
        _add(name, modules, ())
    parts = [f"const ${name} = (() => {{\n{text}}})();\n" for name, text in modules.items()]
    return f'"use strict";\n(() => {{\n{"".join(parts)}{_BEGIN}\n}})();\n'


@lru_cache(maxsize=1)
def style() -> str:
    """The viewer's style sheet."""
    return _read("viewer.css")


def policy() -> str:
    """The policy of a page with the viewer: no request, no script but this one."""
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )


def _add(name: str, modules: dict[str, str], above: tuple[str, ...]) -> None:
    """Adds a module after those that it needs."""
    if name in above:
        raise ValueError(f"modules that need each other: {' -> '.join((*above, name))}")
    if name in modules:
        return
    text = _COMMENT.sub("", _read(f"{name}.js"))
    for _, needed in _IMPORT.findall(text):
        _add(needed, modules, (*above, name))
    given = [exported for _, exported in _EXPORT.findall(text)]
    text = _IMPORT.sub(lambda found: f"const {{ {_renamed(found[1])} }} = ${found[2]};\n", text)
    text = _EXPORT.sub(r"\1 \2", text)
    left = _OTHER.search(text)
    if left:
        raise ValueError(f"{name}.js: cannot be put into a page: {left[0]!r}")
    modules[name] = f"{text}return {{ {', '.join(given)} }};\n"


def _renamed(names: str) -> str:
    """`a, b as c` as an object is taken apart."""
    return names.replace(" as ", ": ")


def _read(name: str) -> str:
    return (resources.files(__package__) / "static" / name).read_text(encoding="utf-8")
