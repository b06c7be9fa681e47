"""The libraries and styles of the site, gathered from where they are installed.

The table library is DataTables (MIT), as bundled by the Python package itables. Its bundle is an
ES module, and browsers load no modules from a file, so it is wrapped as an ordinary script.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
_OWN = ("style.css", "shards.js", "site.js", "drill.js")
_EXPORT = re.compile(r"\bexport\s*\{([^}]*)\};?")


def site_assets() -> dict[str, bytes]:
    """Return the content of each file in the site's ``assets`` folder, by name."""
    own = {
        name: (TEMPLATES / name).read_bytes()
        for name in ("style.css", "shards.js", "site.js", "drill.js")
    }
    return own | {"tables.js": table_library().encode("utf-8")}


@cache
def table_library() -> str:
    """Return DataTables as a script that defines ``SatTables``."""
    return as_script((files("itables") / "html" / "dt_bundle.js").read_text("utf-8"), "SatTables")


def as_script(module: str, name: str) -> str:
    """Return an ES module without imports as a script that puts its exports into a global.

    Raises:
        ValueError: The module has not exactly one list of exports.
    """
    exports = list(_EXPORT.finditer(module))
    if len(exports) != 1:
        raise ValueError(f"{len(exports)} lists of exports in a bundle; expected one")
    pairs = [part.split(" as ") for part in exports[0][1].split(",")]
    members = ",".join(f"{pair[-1].strip()}:{pair[0].strip()}" for pair in pairs)
    start, end = exports[0].span()
    return f"(()=>{{{module[:start]}window.{name}={{{members}}};{module[end:]}\n}})();\n"
