"""The config as it is written: the text and the line behind each of its values.

YAML reads `01` as the number 1, `no` as false, 2024-01-01 as a date, and lets the second of two equal keys win in
silence. What was meant can be told from the text. Runs in Snakemake's own process, so it imports nothing heavy.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError

_YTE = "__use_yte__"  # such a file is a program that makes the config


@dataclass(frozen=True)
class Written:
    """A value of a YAML file as it stands there.

    Attributes:
        value: of a scalar or key, as YAML reads it; None for lists and mappings.
        text: of a scalar, as it is written; empty for lists and mappings.
        keys: of a mapping, by key as YAML reads it.
        children: of a mapping by key as YAML reads it, of a list by number from 0.
    """

    value: Any = None
    text: str = ""
    keys: Mapping[Any, "Written"] = field(default_factory=dict)
    children: Mapping[Any, "Written"] = field(default_factory=dict)


def text_of(value: Any, written: Iterable[Written]) -> str | None:
    """Return the text of a scalar that YAML has read, or None where no file says it."""
    texts = [w.text for w in written if w.text and type(w.value) is type(value) and w.value == value]
    return texts[-1] if texts else None


def below(written: Iterable[Written], key: Any) -> list[Written]:
    """Return what is written under a key, or a number of a list."""
    return [w.children[key] for w in written if key in w.children]


def keys_of(written: Iterable[Written], key: Any) -> list[Written]:
    """Return a key as it is written."""
    return [w.keys[key] for w in written if key in w.keys]


def read_written(path: str | Path) -> Written:
    """Read a YAML or JSON file as it is written. JSON is plain: of it, only that no key comes twice is checked.

    Raises:
        InputError: the file is no YAML, or a key comes twice in a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text ({error}); save it as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from None
    try:
        json.loads(text, object_pairs_hook=lambda pairs: _check_pairs(path, pairs))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
    else:
        return Written()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        written = _read(path, node, {}) if node else Written()
    except yaml.MarkedYAMLError as error:
        raise InputError(_complaint(path, text, error)) from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = "a value holds itself" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise InputError(f"{path} is no YAML that can be read ({reason}).") from None
    return Written() if _YTE in written.children else written


def _check_pairs(path: str | Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path} has the key {name!r} twice in one place; keep one of them.")
    return dict(pairs)


def _read(path: str | Path, node: yaml.Node, known: dict[int, Written]) -> Written:
    """Read a node; `known` holds those that were read, which aliases name again."""
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.ScalarNode):
        written = Written(_scalar(path, node), node.value)
    elif isinstance(node, yaml.SequenceNode):
        written = Written(children={k: _read(path, child, known) for k, child in enumerate(node.value)})
    else:
        written = _read_mapping(path, node, known)
    known[id(node)] = written
    return written


def _read_mapping(path: str | Path, node: yaml.MappingNode, known: dict[int, Written]) -> Written:
    lines: dict[Any, int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
            value, line = _scalar(path, key), key.start_mark.line + 1
            if value in lines:
                raise InputError(
                    f"{path} has the key {key.value!r} twice in one place, on the lines {lines[value]} and {line}; "
                    "keep one of them."
                )
            lines[value] = line
    yaml.constructor.SafeConstructor().flatten_mapping(node)
    pairs = [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    keys = {_scalar(path, key): Written(_scalar(path, key), key.value) for key, _ in pairs}
    return Written(keys=keys, children={_scalar(path, key): _read(path, value, known) for key, value in pairs})


def _scalar(path: str | Path, node: yaml.ScalarNode) -> Any:
    line = node.start_mark.line + 1
    if node.tag in ("tag:yaml.org,2002:value", "tag:yaml.org,2002:merge"):
        raise InputError(f"{path}, line {line}: {node.value} has a meaning of its own in YAML; put it in quotes.")
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, OverflowError) as error:  # a date that is none, for example
        raise InputError(f"{path}, line {line}: YAML cannot read {node.value} ({error}); put it in quotes.") from None


def _complaint(path: str | Path, text: str, error: yaml.MarkedYAMLError) -> str:
    """One sentence for what YAML cannot read, with what would be right where that is known."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"{path} is no YAML that can be read ({error.problem})."
    line = (text.splitlines() or [""])[min(mark.line, len(text.splitlines()) - 1)]
    place = f"{path}, line {mark.line + 1}"
    words = f"{error.context or ''} {error.problem or ''}"
    if "alias" in words:
        return f"{place}: a value that begins with * has a meaning of its own in YAML; put it in quotes, like '*****'."
    if "anchor" in words or "tag" in words or "directive" in words:
        start = error.context_mark or mark
        return f"{place}: a value that begins with {line[start.column : start.column + 1]!r} must be in quotes."
    if "\t" in line[: mark.column + 1]:
        return f"{place}: a tab stands where YAML wants spaces; indent with spaces alone."
    if "cannot start any token" in words:
        return f"{place}: a value that begins with {line[mark.column : mark.column + 1]!r} must be in quotes."
    if "mapping values are not allowed" in words:
        return f"{place}: there is a second ':' in a value, which must then be in quotes, or the indentation is off."
    return f"{place}, column {mark.column + 1}: this is no YAML ({' '.join(words.split())})."
