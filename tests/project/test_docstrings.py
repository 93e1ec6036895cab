"""Docstrings of the library tell the truth of their signatures, as far as can be read from the code."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "workflow/scripts/shapsketch"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
MAX_TOLD = 5  # parameters that a sentence may tell of; more want a section
ELSEWHERE = re.compile(r"\bsee `|[Aa]s for `|[Aa]s `\w+`")  # a docstring that refers to another's


def public_functions(module):
    """The functions of a module, and the methods of its classes, whose names have no underscore."""
    for node in ast.parse((PACKAGE / module).read_text()).body:
        inside = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for function in inside:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                compiled = any("njit" in ast.unparse(decorator) for decorator in function.decorator_list)
                if not compiled:
                    yield function


def parameters(function):
    own = function.args
    return [a.arg for a in (*own.posonlyargs, *own.args, *own.kwonlyargs) if a.arg not in ("self", "cls")]


def section(text, name):
    """The lines below a heading of a docstring; None without one."""
    found = re.search(rf"^{name}:\n((?:    .*\n?|\n)*)", text, re.M)
    return found[1] if found else None


@pytest.mark.parametrize("module", MODULES)
def test_arguments_and_errors_are_those_of_the_function(module):
    wrong = []
    for function in public_functions(module):
        text, names, where = ast.get_docstring(function) or "", parameters(function), f"{function.name}"
        described = section(text, "Args")
        if described is None:
            if len(names) > MAX_TOLD and not ELSEWHERE.search(text):
                wrong.append(f"{where} has {len(names)} parameters and no Args")
        else:
            words = set(re.findall(r"\w+", described))
            wrong += [f"{where} does not describe {name}" for name in names if name not in words]
            others = {a.arg for a in (function.args.vararg, function.args.kwarg) if a}
            heads = re.findall(r"^    (\w+(?:, \w+)*):(?: |$)", described, re.M)
            told = {name for head in heads for name in head.split(", ")}
            wrong += [f"{where} has no parameter {name}" for name in sorted(told - set(names) - others)]
        raised = any(
            isinstance(node, ast.Raise) and node.exc and ast.unparse(node.exc).startswith("InputError(")
            for node in ast.walk(function)
        )
        if raised and "InputError" not in text:
            wrong.append(f"{where} does not say when it raises InputError")
    assert not wrong, f"{module}: " + "; ".join(wrong)


def test_names_at_the_front_door_describe_what_they_take_or_hold():
    import shapsketch

    for name in shapsketch.__all__:
        thing = getattr(shapsketch, name)
        if callable(thing) and not (isinstance(thing, type) and issubclass(thing, Exception)):
            assert thing.__doc__, name
            assert section(re.sub(r"^    ", "", thing.__doc__, flags=re.M), "(?:Args|Attributes)"), name


@pytest.mark.parametrize("sentence", ["takes x", "Args:\n    y: something.\n"])
def test_what_is_missing_is_found(sentence):
    """The parts of this test can fail."""
    assert (section(f"One.\n\n{sentence}", "Args") is None) == ("Args" not in sentence)
