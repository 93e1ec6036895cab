"""The config: checked against its JSON schema, with one clear sentence for each mistake.

Runs in Snakemake's own process for every job, so it imports nothing heavy.
"""

from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import jsonschema

from .errors import InputError
from .sources import source_files


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the config with all defaults filled in.

    Raises:
        InputError: the first mistake, by place: an unknown key (with the nearest known one), a wrong
            type or value, or a missing key.
    """
    filled = _fill(deepcopy(dict(config)), schema)
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors(filled), key=lambda e: list(map(str, e.absolute_path)))
    if errors:
        raise InputError(f"The config {_sentence(_deepest(errors[0]))}")
    return filled


def check_names(config: Mapping[str, Any], files: bool = True) -> None:
    """Check that what the config names is there: sequences, models and files.

    Args:
        config: with all defaults filled in.
        files: whether to look for the files.

    Raises:
        InputError: an analysis or a background names something that the config does not define, or a
            file does not exist.
    """
    models, sequences = config["models"], config["sequences"]
    for pair in config["analyses"] if config["analyses"] != "all" else []:
        for name, known, kind in zip(pair, (models, sequences), ("models", "sequences"), strict=True):
            if name not in known:
                raise InputError(
                    f"The config lists {name!r} in analyses, which is not under {kind}: {', '.join(known)}."
                )
    for name, model in models.items():
        background = model["background"]
        if isinstance(background, Mapping) and "from_sequences" in background:
            queries = background["from_sequences"]["queries"]
            if queries not in sequences:
                raise InputError(
                    f"The background of models.{name} names the sequences {queries!r}, "
                    f"which are not under sequences: {', '.join(sequences)}."
                )
        for path in source_files(model["source"]) if files else []:
            _check_file(path, f"models.{name}.source")
        if config["explain"]["refine"] and model["source"]["kind"] == "table":
            raise InputError(f"The config sets explain.refine, which asks the model, but models.{name} is a table.")
        if config["compare"]["enabled"] and model["source"]["kind"] == "table":
            raise InputError(f"The config enables compare, which asks the model, but models.{name} is a table.")
    for name, queries in sequences.items() if files else []:
        _check_file(queries["path"], f"sequences.{name}")
    _check_masks(config)
    _check_motifs(config)


def _check_file(path: str, place: str) -> None:
    if "{" in path:
        raise InputError(f"The file {path} of {place} has a brace in its name, which Snakemake takes for a wildcard.")
    if not Path(path).is_file():
        raise InputError(f"The file {path} of {place} does not exist.")


def _check_masks(config: Mapping[str, Any]) -> None:
    explain = config["explain"]
    if explain["mode"] != "masks":
        return
    for key in ("refine", "hypothetical"):
        if explain[key]:
            raise InputError(f"The config sets explain.{key}, which needs a sketch; explain.mode is masks.")
    if config["compare"]["enabled"]:
        raise InputError("The config enables compare, which needs a sketch; explain.mode is masks.")
    for name, model in config["models"].items():
        if model["source"]["kind"] == "table":
            raise InputError(
                f"The config sets explain.mode: masks, which asks the model, but models.{name} is a table."
            )
    for name, queries in config["sequences"].items():
        if queries["ambiguous"] == "resolve":
            raise InputError(
                f"The config sets sequences.{name}.ambiguous: resolve; with explain.mode: masks it is error or drop."
            )


def _check_motifs(config: Mapping[str, Any]) -> None:
    motifs = config["motifs"]
    if "database" in motifs:
        _check_file(motifs["database"], "motifs.database")
    if motifs["reverse_complement"]:
        for name, model in config["models"].items():
            if model["alphabet"] != "DNA" and set(model["alphabet"]) != set("ACGT"):
                raise InputError(
                    f"The config sets motifs.reverse_complement, but the alphabet of models.{name} is "
                    f"{model['alphabet']}; only DNA has a second strand."
                )


def canonical(value: Any) -> Any:
    """Sort the keys of nested mappings, so that the order in the file does not look like a change."""
    if isinstance(value, Mapping):
        return {key: canonical(value[key]) for key in sorted(value)}
    return value


def _fill(value: Any, schema: Mapping[str, Any]) -> Any:
    """Fill defaults in place, through nested objects that are there or have a default."""
    if not isinstance(value, dict):
        return value
    for key, part in schema.get("properties", {}).items():
        if key not in value and "default" in part:
            value[key] = deepcopy(part["default"])
        if key in value:
            value[key] = _fill(value[key], part)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        for key in value.keys() - schema.get("properties", {}).keys():
            value[key] = _fill(value[key], extra)
    return value


def _deepest(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """Of the branches of an anyOf or oneOf, the complaint that got furthest."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.absolute_path), e.validator == "additionalProperties"))
    return error


def _sentence(error: jsonschema.ValidationError) -> str:
    place = ".".join(map(str, error.absolute_path)) or "itself"
    schema, found = error.schema, error.instance
    if "propertyNames" in error.absolute_schema_path:
        return f"has the name {found!r} under {place}, which cannot name a folder of results."
    match error.validator:
        case "additionalProperties":
            known = list(schema.get("properties", {}))
            unknown = sorted(map(str, set(found) - set(known)))[0]
            close = get_close_matches(unknown, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
            where = "" if place == "itself" else f" under {place}"
            return f"has an unknown key {unknown!r}{where}; {hint}"
        case "required":
            missing = next(key for key in error.validator_value if key not in found)
            return f"lacks the key {missing!r}{'' if place == 'itself' else f' under {place}'}."
        case "enum":
            return f"has {found!r} at {place}; use one of {', '.join(map(str, error.validator_value))}."
        case "const":
            return f"has {found!r} at {place}; use {error.validator_value!r}."
        case "type":
            wanted = error.validator_value
            kinds = wanted if isinstance(wanted, str) else " or ".join(wanted)
            return f"has {found!r} at {place}, which is not of the type {kinds}."
        case "not":
            return f"is wrong at {place}: {schema['description']}."
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            words = {
                "minimum": "at least",
                "exclusiveMinimum": "more than",
                "maximum": "at most",
                "exclusiveMaximum": "less than",
            }
            return f"has {found!r} at {place}; it must be {words[error.validator]} {error.validator_value}."
    described = schema.get("description", "")
    return f"is wrong at {place}: {error.message}" + (f" ({described})." if described else ".")
