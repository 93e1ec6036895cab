"""What is wrong with a config, in words: one sentence for a complaint of its JSON schema."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import jsonschema

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list, like [a, b]",
    "object": "keys with values",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def sentence(error: jsonschema.ValidationError) -> str:
    """Say what a schema complains of: what is found, where, and what would be right; "The config" goes before it."""
    error = _deepest(error)
    place = place_of(error.absolute_path)
    schema, value, wanted = error.schema, error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        return (
            f"has the name {value!r} under {place}, which cannot name a folder of results; use up to 100 letters, "
            "digits, '.', '_' and '-', the first a letter or a digit."
        )
    match error.validator:
        case "additionalProperties":
            return _unknown(list(map(str, set(value) - set(schema.get("properties", {})))), schema, place)
        case "required":
            missing = next(key for key in wanted if key not in value)
            return f"lacks the key {missing!r}{'' if place == 'itself' else f' under {place}'}."
        case "enum" | "const":
            return f"has {shown(value)} at {place}; use {wanted_words(schema)}."
        case "type" | "pattern" | "anyOf" | "oneOf":
            return f"has {shown(value)} at {place}; it must be {wanted_words(schema)}."
        case "not":
            return f"is wrong at {place}: {schema['description']}."
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            return f"has {shown(value)} at {place}; it must be {_BOUNDS[error.validator]} {wanted}."
        case "minLength" | "minItems" | "minProperties":
            number, unit = wanted, {"L": "letters", "I": "entries", "P": "keys"}[error.validator[3]]
            return (
                f"has {shown(value)} at {place}, which needs at least {number} {unit}."
                if len(value)
                else f"has nothing at {place}; it must be {wanted_words(schema)}."
            )
        case "maxLength" | "maxItems" | "maxProperties":
            unit = {"L": "letters", "I": "entries", "P": "keys"}[error.validator[3]]
            return f"has {len(value)} {unit} at {place}; it must be at most {wanted}{_described(schema)}."
        case "uniqueItems":
            twice = next(entry for k, entry in enumerate(value) if entry in value[:k])
            return f"has {shown(twice)} twice at {place}."
    return f"is wrong at {place}{_described(schema)}."


def _unknown(unknown: list[str], schema: Mapping[str, Any], place: str) -> str:
    known, first = list(schema.get("properties", {})), sorted(unknown)[0]
    close = get_close_matches(first, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
    return f"has an unknown key {first!r}{'' if place == 'itself' else f' under {place}'}; {hint}"


def place_of(path: Iterable[Any]) -> str:
    """Where in the config something is, such as `models.m.outputs.0`."""
    texts = map(str, path)
    return ".".join(text if text.isprintable() else repr(text) for text in texts) or "itself"


def shown(value: Any) -> str:
    """Show a value as YAML has it, shortened."""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def wanted_words(schema: Mapping[str, Any]) -> str:
    """Say in words what a schema accepts."""
    if "description" in schema and "properties" not in schema:
        return str(schema["description"])
    if "const" in schema:
        return _plain(schema["const"])
    if "enum" in schema:
        values = list(map(_plain, schema["enum"]))
        return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(wanted_words(branch) for branch in schema[key]))
    if "properties" in schema:
        return f"keys with values ({', '.join(schema['properties'])})"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    kinds = schema.get("type", [])
    return " or ".join(TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)) or "something else"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(schema: Mapping[str, Any]) -> str:
    return f" ({schema['description']})" if "description" in schema else ""


def _deepest(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """Of the branches of an anyOf or oneOf, the complaint of the one whose type is met; the whole, where none is."""
    while error.context:
        branches: dict[Any, list[jsonschema.ValidationError]] = {}
        for complaint in error.context:
            branches.setdefault(complaint.schema_path[0], []).append(complaint)
        met = [branch for branch in branches.values() if not any(map(_is_of_type, branch))]
        if not met:
            return error
        error = max(met[0], key=lambda e: (len(e.absolute_path), e.validator == "additionalProperties"))
    return error


def _is_of_type(error: jsonschema.ValidationError) -> bool:
    """Whether a complaint is of the whole value's type."""
    return not error.relative_path and error.validator in ("type", "const", "enum")
