"""The catalogue of published models: `source: {catalogue: NAME}` becomes a whole model of the config.

Runs in Snakemake's own process for every job, so it imports nothing heavy.
"""

from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from .errors import InputError
from .wording import place_of

USER_KEYS = ("path", "target", "command", "factory", "url")  # keys by which users bring a model themselves
CATALOGUE_KEYS = ("downloads", "convert")  # what the catalogue brings
DEFAULTS = ("alphabet", "template", "outputs")


def expand(config: Mapping[str, Any], catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """Fill the entries of the catalogue in where models name them; what the config says itself wins.

    Args:
        config: the config as written, not checked yet.
        catalogue: the content of `resources/models.yaml`.

    Raises:
        InputError: a model names no entry, or its licence is not accepted, or its user has to bring it and did not.
    """
    filled: dict[str, Any] = deepcopy(dict(config))
    models = filled.get("models")
    for name, model in list(models.items()) if isinstance(models, dict) else ():
        source = model.get("source") if isinstance(model, dict) else None
        if isinstance(models, dict) and isinstance(source, dict) and "catalogue" in source:
            models[name] = _fill(place_of([name]), model, source, catalogue)
    return filled


def _fill(name: str, model: dict[str, Any], source: dict[str, Any], catalogue: Mapping[str, Any]) -> dict[str, Any]:
    chosen = str(source["catalogue"])
    if chosen not in catalogue:
        close = get_close_matches(chosen, catalogue, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(catalogue)}."
        raise InputError(f"The catalogue of models has no entry {chosen!r} (models.{name}.source); {hint}")
    entry = deepcopy(catalogue[chosen])
    if entry.get("must_accept") and source.get("accept_license") is not True:
        raise InputError(
            f"The licence of {chosen} asks for acceptance ({entry['license']}): read it at {entry['homepage']} and set "
            f"accept_license: true under models.{name}.source."
        )
    by_user = [key for key in USER_KEYS if key in source]
    if "instructions" in entry and not by_user:
        raise InputError(f"The model {chosen} is one that you bring (models.{name}.source): {entry['instructions']}.")
    given = {key: value for key, value in entry.get("source", {}).items() if not (by_user and key in CATALOGUE_KEYS)}
    defaults = {key: entry[key] for key in DEFAULTS if key in entry}
    return {**defaults, **model, "source": {**given, "license": entry["license"], **source}}
