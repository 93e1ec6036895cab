"""Values of the config, read as its schema means them.

YAML guesses types: 2.0e+3 is a float where a whole number is meant, `01` a number and `no` false where a name is. The
schema says what is meant; where that is text, the text is taken as it is written. Runs in Snakemake's own process, so
it imports nothing heavy.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .errors import InputError
from .wording import place_of, shown, wanted_words
from .written import Written, below, keys_of, text_of

Path = tuple[str | int, ...]  # of keys and numbers of list items

_NUMBER = re.compile(r"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"[-+]?[0-9]+")
MOST = 2**31 - 1  # of whole numbers whose schema has no maximum
_JSON = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


def fit(config: Mapping[str, Any], schema: Mapping[str, Any], written: Sequence[Written] = ()) -> dict[str, Any]:
    """Return a copy of the config of plain dictionaries, lists and scalars, of the types that the schema wants.

    Args:
        config: as YAML reads it.
        schema: of it; what does not meet it is left as it is.
        written: the files it comes from, as they are written.

    Raises:
        InputError: text is wanted where YAML read something else, and no file says how it is written; or a value is
            missing, or no finite number.
    """
    return _fit(config, schema, schema, written, ())


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a `$ref` of a schema stands for; any other schema as it is."""
    return root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _fit(value: Any, schema: Any, root: Mapping[str, Any], written: Sequence[Written], path: Path) -> Any:
    branches = list(_branches(schema, root)) if isinstance(schema, Mapping) else []
    if isinstance(value, Mapping):
        return _fit_mapping(value, branches, root, written, path)
    if isinstance(value, (list, tuple)):
        items: Any = next((branch["items"] for branch in branches if "items" in branch), {})
        return [_fit(entry, items, root, below(written, k), (*path, k)) for k, entry in enumerate(value)]
    return _fit_scalar(value, branches, written, path)


def _branches(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    schema = resolved(schema, root)
    yield schema
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _branches(branch, root)


def _fit_mapping(
    value: Mapping[Any, Any],
    branches: Sequence[Mapping[str, Any]],
    root: Mapping[str, Any],
    written: Sequence[Written],
    path: Path,
) -> dict[str, Any]:
    owner = next((b for b in branches if "properties" in b or "additionalProperties" in b), {})
    fitted: dict[str, Any] = {}
    for key, entry in value.items():
        name = _key(key, keys_of(written, key), path)
        if name in fitted:
            raise InputError(f"The config has the key {name!r} twice under {place_of(path)}; keep one of them.")
        part = owner.get("properties", {}).get(name, owner.get("additionalProperties", {}))
        fitted[name] = _fit(entry, part, root, below(written, key), (*path, name))
    return fitted


def _key(key: Any, written: Sequence[Written], path: Path) -> str:
    text = key if isinstance(key, str) else text_of(key, written)
    if text is None:
        raise InputError(
            f"The config has the name {shown(key)}{f' under {place_of(path)}' if path else ''}, which YAML reads as "
            f"{_kind(key)}; put it in quotes."
        )
    return str(text)


def _fit_scalar(value: Any, branches: Sequence[Mapping[str, Any]], written: Sequence[Written], path: Path) -> Any:
    kinds: set[str] = set()
    constants: list[Any] = []
    most = next((branch["maximum"] for branch in branches if "maximum" in branch), MOST)
    for branch in branches:
        types = branch.get("type", [])
        constants += [branch["const"]] if "const" in branch else branch.get("enum", [])
        kinds |= {types} if isinstance(types, str) else set(types)
    kinds |= {_JSON[type(constant)] for constant in constants}
    numeric = kinds & {"integer", "number"}
    named = not kinds & {"number", "boolean"} and any("string" in branch.get("type", ()) for branch in branches)
    if value is None:
        return None if "null" in kinds else _nothing(kinds, branches, path)
    if isinstance(value, str):
        if named and not _WHOLE.fullmatch(value):
            return str(value)  # a name, such as 1.10
        return _fit_text(str(value), kinds, constants, most, path)
    if "string" in kinds and numeric and ":" in (text_of(value, written) or ""):
        return text_of(value, written)  # 10:20 is 620 to YAML, which counts in sixties
    if isinstance(value, bool):
        if "boolean" in kinds or numeric:
            return value
    elif isinstance(value, int if named else (int, float)) and (numeric or "string" not in kinds):
        return _sensible(value, kinds, most, path)
    if "string" not in kinds:
        return value
    text = text_of(value, written)
    if text is None:
        raise InputError(
            f"The config has {shown(value)} at {place_of(path)}, which YAML reads as {_kind(value)}; put it in quotes."
        )
    return text


def _nothing(kinds: set[str], branches: Sequence[Mapping[str, Any]], path: Path) -> dict[str, Any]:
    """What a key without a value stands for: the keys under it are all left out."""
    if kinds == {"object"} and not any("required" in branch or "minProperties" in branch for branch in branches):
        return {}
    wanted = wanted_words(branches[0]) if kinds else "a value"
    raise InputError(f"The config has nothing at {place_of(path)}; give {wanted}, or leave the key out.")


def _fit_text(text: str, kinds: set[str], constants: Sequence[Any], most: float, path: Path) -> Any:
    """Read text as a number, or as true or false, where one is wanted: YAML takes 2e3 for text."""
    if text in constants:
        return text
    if kinds & {"integer", "number"} and _NUMBER.fullmatch(text):
        whole = text.lstrip("+-").isdigit() and len(text) < 400
        return _sensible(int(text) if whole else float(text), kinds, most, path)
    if "boolean" in kinds and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def _sensible(value: int | float, kinds: set[str], most: float, path: Path) -> int | float:
    """Check that a number is one to compute with; a whole one is an int where such are wanted."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"The config has {value} at {place_of(path)}; it must be a finite number.")
    if "integer" not in kinds:
        return value
    if abs(value) > most:
        raise InputError(f"The config has {shown(value)} at {place_of(path)}; it must be at most {most}.")
    return int(value) if value == int(value) else value


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing", bytes: "bytes"}
    return kinds.get(type(value), f"a {type(value).__name__}")
