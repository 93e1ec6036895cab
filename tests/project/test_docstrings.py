"""Docstrings of the library tell the truth of their signatures, as far as can be read from the code.

Whatever has no underscore in the library is public, and says the shapes of arrays that it takes and returns, and which
mistakes of the user's it raises. What many parameters are needs a section; one that a notebook calls has one for any.
"""

import ast
import inspect
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "workflow/scripts/shapsketch"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
MAX_TOLD = 5  # parameters that a sentence may tell of; more want a section
SHAPE = re.compile(r"\([\w ^*+.,()-]*\)")  # such as (N, n), (positions, letters) or (...); a call has a name before it
ARRAY = re.compile(r"np\.ndarray|torch\.Tensor")
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


def arguments(function):
    every = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return [a for a in every if a.arg not in ("self", "cls")]


def parameters(function):
    return [a.arg for a in arguments(function)]


def has_shape(text):
    """Whether a text has the shape of an array: brackets after a blank."""
    return any(text[m.start() - 1 : m.start()] in (" ", "\n", "", "(") for m in SHAPE.finditer(text))


def section(text, name):
    """The lines below a heading of a docstring; None without one."""
    found = re.search(rf"^{name}:\n((?:    .*\n?|\n)*)", text, re.M)
    return found[1] if found else None


def shapeless(function, text):
    """The arrays that a function takes or returns without a word of their shape."""
    described = section(text, "Args")
    for argument in arguments(function):
        if argument.annotation and ast.unparse(argument.annotation).startswith("np.ndarray"):
            place = text
            if described is not None:
                entry = re.search(rf"^    [\w, ]*\b{argument.arg}\b[\w, ]*: (.*\n?(?:        .*\n?)*)", described, re.M)
                place = entry[1] if entry else text
            if not has_shape(place) and not re.search(r"as (?:for|there|in) |the same|[Aa]s `", place):
                yield argument.arg
    returned = ast.unparse(function.returns) if function.returns else ""
    if ARRAY.search(returned) and not re.search("Callable|dict", returned) and not has_shape(text):
        yield "what it returns"


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
        wrong += [f"{where} does not say the shape of {what}" for what in shapeless(function, text)]
        raised = any(
            isinstance(node, ast.Raise) and node.exc and ast.unparse(node.exc).startswith("InputError(")
            for node in ast.walk(function)
        )
        if raised and "InputError" not in (section(text, "Raises") or ""):
            wrong.append(f"{where} does not say when it raises InputError")
    assert not wrong, f"{module}: " + "; ".join(wrong)


def front_door():
    """The functions that a notebook calls, and the methods of the classes that it gets, by name."""
    import shapsketch

    for name in shapsketch.__all__:
        thing = getattr(shapsketch, name)
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            for key, value in vars(thing).items():
                method = getattr(value, "__func__", value)
                if inspect.isfunction(method) and not key.startswith("_"):
                    yield f"{name}.{key}", method


def test_what_a_notebook_calls_says_what_it_takes_and_returns():
    functions, wrong = dict(front_door()), []
    assert {"sketch", "Spectrum.shapley_values", "Background.mutated"} <= functions.keys()
    for name, function in functions.items():
        text, signature = inspect.getdoc(function) or "", inspect.signature(function)
        names = [key for key in signature.parameters if key not in ("self", "cls")]
        if len(names) > 1 and section(text, "Args") is None:
            wrong.append(f"{name} has {len(names)} parameters and no Args")
        silent = signature.return_annotation in (None, "None")
        if not silent and not re.search(r"^(?:Returns|Yields):|\b[Rr]eturn", text, re.M):
            wrong.append(f"{name} does not say what it returns")
    assert not wrong


def test_classes_of_the_front_door_describe_what_they_hold():
    import shapsketch

    for name in shapsketch.__all__:
        thing = getattr(shapsketch, name)
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            assert section(re.sub(r"^    ", "", thing.__doc__, flags=re.M), "Attributes"), name


@pytest.mark.parametrize("sentence", ["takes x", "Args:\n    y: something.\n"])
def test_what_is_missing_is_found(sentence):
    """The parts of this test can fail."""
    assert (section(f"One.\n\n{sentence}", "Args") is None) == ("Args" not in sentence)
