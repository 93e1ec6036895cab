"""The documentation site: `make docs` builds it without a network, and every warning is an error."""

import os
import re
import sys
import tomllib
from itertools import groupby
from os.path import relpath
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PACKAGE = ROOT / "workflow/scripts/shapsketch"
sys.path[:0] = [str(PACKAGE.parent), str(DOCS)]

os.environ["PYTHONPATH"] = str(PACKAGE.parent)  # of the notebooks' kernel

from benchmark_figures import draw_all  # noqa: E402

import shapsketch  # noqa: E402

project = "shapsketch"
author = "The shapsketch developers"
copyright = "2026, " + author
version = release = shapsketch.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "shapsketch"
html_static_path: list[str] = []
default_role = "code"  # docstrings mark code by single backticks
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes of dataclasses are described once
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
suppress_warnings = ["ref.python"]  # several records have attributes named n or q

# Pages that are files of the repository, which people also read there.
COPIES = {
    "contributing.md": "CONTRIBUTING.md",
    "reference/config.md": "config/README.md",
    "reference/benchmarks.md": "tests/benchmarks/README.md",
    "reference/bad_input.md": "tests/README.md",
    "reference/changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}

BIBLIOGRAPHY = "# Bibliography\n\nWhat docstrings, the text of Methods and these pages cite."


def draw_figures(app: Sphinx) -> None:
    """Draw the figures of the page of benchmarks."""
    draw_all()


def write_pages(app: Sphinx) -> None:
    """Write the pages that are made: one of the API for every room of the library, the bibliography, the copies."""
    for room in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        modules = sorted(path.relative_to(PACKAGE.parent) for path in room.rglob("*.py"))
        names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in modules]
        blocks = [f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n```\n" for name in names]
        write_page(f"reference/api/{room.name}.md", f"# {room.name}\n\n" + "\n".join(blocks))
    entries = tomllib.loads((ROOT / "workflow/report/bibliography.toml").read_text()).values()
    sections = [
        f"## {title}\n\n" + "\n".join(f"- {entry['name']}: {entry['reference']}" for entry in part)
        for title, part in groupby(entries, lambda entry: entry["section"])
    ]
    write_page("reference/bibliography.md", "\n\n".join([BIBLIOGRAPHY, *sections]) + "\n")
    for page, file in COPIES.items():
        write_page(page, relink((ROOT / file).read_text(), page, file))


def write_page(page: str, text: str) -> None:
    """Write a page where it has changed, so that Sphinx reads no other again."""
    path = DOCS / page
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def relink(text: str, page: str, file: str) -> str:
    """Turn the links of a file into links of its page: to other pages, or, of what is no page, into plain text."""
    pages = {(ROOT / name).resolve(): DOCS / copy for copy, name in COPIES.items()}

    def link(found: re.Match[str]) -> str:
        words, (target, mark, anchor) = found[1], found[2].partition("#")
        if "://" in target or not target:
            return found[0]
        path = ((ROOT / file).parent / target).resolve()
        path = pages.get(path, path)
        if path.suffix == ".md" and path.is_relative_to(DOCS):
            return f"[{words}]({relpath(path, (DOCS / page).parent)}{mark}{anchor})"
        return words

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", link, text)


def escape_bars(app: Sphinx, kind: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Let |T| in a docstring be the size of T, which reStructuredText takes for a substitution."""
    lines[:] = [
        "`".join(part.replace("|", r"\|") if k % 2 == 0 else part for k, part in enumerate(line.split("`")))
        for line in lines
    ]


def setup(app: Sphinx) -> None:
    """Sphinx calls this first."""
    app.connect("builder-inited", draw_figures)
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", escape_bars)
