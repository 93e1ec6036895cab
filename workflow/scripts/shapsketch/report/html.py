"""Markup: HTML files with scripts, styles and data inside, so that nothing is ever fetched.

Their Content-Security-Policy forbids every connection, and every script but their own, which is named by its hash.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath

_COMMANDS = {
    Outline.MOVETO: "M", Outline.LINETO: "L", Outline.CURVE3: "Q", Outline.CURVE4: "C", Outline.CLOSEPOLY: "Z",
}  # fmt: skip


def render(sources: Mapping[str, Any], content: Mapping[str, Any], pack: str = "", **shown: Any) -> str:
    """Fill a page's jinja2 template; all text is escaped, and data cannot end the element that holds them.

    Args:
        sources: paths: `template`, `style`, `scripts`.
        content: what the scripts read.
        pack: the packed arrays.
        shown: what the template itself shows.
    """
    style = _read(sources["style"])
    script = "(() => {\n" + "\n".join(_read(path) for path in sources["scripts"]) + "\n})();"
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(_read(sources["template"]))
    parts = {"data": script_safe(content), "pack": pack, "style": style, "script": script, "policy": policy}
    return page.render(content=content, **parts, **shown)


def script_safe(content: Any) -> str:
    """Return JSON that can stand inside a <script> element: no tag or comment can begin in it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _read(path: str | Path) -> str:
    return Path(path).read_text(encoding="utf-8").replace("\r\n", "\n")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def glyphs(letters: str) -> dict[str, str]:
    """Return the outline of each letter as an SVG path that fills the unit square, its foot at y = 0, upwards."""
    font, paths = FontProperties(family="DejaVu Sans", weight="bold"), {}
    for letter in letters:
        outline = TextPath((0, 0), letter, size=100, prop=font)
        box = outline.get_extents()
        parts = []
        for vertices, code in outline.iter_segments():
            points = (vertices.reshape(-1, 2) - [box.x0, box.y0]) / [box.width, box.height]
            command = _COMMANDS[code]
            parts.append(command if command == "Z" else command + " ".join(f"{v:.3g}" for v in points.ravel()))
        paths[letter] = "".join(parts)
    return paths
