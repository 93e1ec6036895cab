"""Every module of the library has one test file, which is found by the module's name."""

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "workflow/scripts/shapsketch"
FILES = sorted((TESTS / "unit").rglob("test_*.py"))
MAX_LINES = 350


def module_names():
    """All modules that define something, such as `masks/plan`; the front of a room goes by the room's name."""
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__").removeprefix("__init__")
        if name and len(ast.parse(path.read_text()).body) > 1:
            yield name


def own(path, modules):
    """The module that a test file is named after; for a room's own name, its front, or else the module of that name."""
    room, name = path.parent.relative_to(TESTS / "unit").as_posix(), path.stem.removeprefix("test_")
    return room if name == room and room in modules else f"{room}/{name}".removeprefix("./")


def covered(path):
    """The modules of a line `Covers also: ...`, of the same room or with theirs."""
    also = re.search(r"^Covers also: ([^.]*)\.$", ast.get_docstring(ast.parse(path.read_text())) or "", re.M)
    names = re.split(r",\s+", also[1]) if also else []
    return [name if "/" in name else f"{path.parent.name}/{name}" for name in names]


def test_every_module_has_one_test_file():
    modules, homes = set(module_names()), defaultdict(list)
    for path in FILES:
        for module in {own(path, modules), *covered(path)}:
            homes[module].append(path.relative_to(TESTS).as_posix())
    wrong = {module: homes[module] for module in sorted(modules) if len(homes[module]) != 1}
    assert not wrong, "one test file is named after a module, or says 'Covers also: MODULE.'"


def test_what_is_covered_exists():
    modules = set(module_names())
    lacking = {path.name: set(covered(path)) - modules for path in FILES}
    assert not {name: names for name, names in lacking.items() if names}


def test_no_test_file_is_long():
    long = {
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if len(path.read_text().splitlines()) > MAX_LINES
    }
    assert not long
