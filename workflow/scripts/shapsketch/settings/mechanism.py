"""The config's `mechanism`: what it names is there, and fits together. Imports nothing heavy."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from .errors import InputError
from .mechanism_records import DesignConfig, MechanismConfig
from .records import Config

OF_POSITIONS = ("concepts", "steer", "probe", "circuit", "design")  # what a pooled dictionary cannot be asked for

PASSES = ("reverse_complement", "folds", "constants", "score")  # of a source: its model is not one pass of one network


def has_modules(source: Mapping[str, Any]) -> bool:
    """Tell whether a model is one of networks whose modules have names."""
    return source["kind"] == "torch" and bool({"factory", "architecture"} & source.keys())


def passes_of(source: Mapping[str, Any]) -> list[str]:
    """Return the keys of a source that make its model more than one pass of one network."""
    return [key for key in PASSES if source.get(key)]


def ends_of(settings: MechanismConfig) -> list[str]:
    """Return which ends of modules are kept: what they give, and for transcoders what they take."""
    return ["out"] if settings["dictionary"]["kind"] == "sae" else ["in", "out"]


def label_files(settings: MechanismConfig) -> dict[str, str]:
    """Return the files of the concepts that are read from files."""
    return {name: concept["path"] for name, concept in settings["concepts"].items() if isinstance(concept, dict)}


def check_mechanism(config: Config) -> None:
    """Check what each entry of `mechanism` names.

    Args:
        config: with all defaults filled in.

    Raises:
        InputError: a model or a set of sequences that is not in the config, a model without modules to name, or
            sequences that keep ambiguous letters.
    """
    for name, settings in config["mechanism"].items():
        place = f"mechanism.{name}"
        _check_known(place, "model", settings["model"], config["models"])
        source = config["models"][settings["model"]]["source"]
        if not has_modules(source):
            raise InputError(
                f"{place} looks into modules, and models.{settings['model']} has none to name: give its source the "
                'kind torch and factory: "file.py:function" (a saved program keeps its operators and not its modules).'
            )
        if passes := passes_of(source):
            raise InputError(
                f"{place} looks into one pass of models.{settings['model']}, whose source has {passes[0]}; "
                "leave it out."
            )
        if "circuit" in settings and settings["dictionary"]["kind"] == "sae":
            raise InputError(
                f"{place}.circuit replaces modules: set {place}.dictionary.kind to transcoder or cross_layer; it is "
                "sae."
            )
        asked = [key for key in OF_POSITIONS if settings.get(key)]
        if settings["pool"] != "none" and asked:
            raise InputError(
                f"{place} has pool: {settings['pool']}, and {asked[0]} needs every position; set pool to none."
            )
        for output in settings.get("circuit", {}).get("outputs", []):
            _check_known(f"{place}.circuit", "outputs", output, config["models"][settings["model"]]["outputs"])
        if "design" in settings:
            _check_design(f"{place}.design", settings["design"], settings["model"], config)
        if label_files(settings) and not isinstance(settings["sequences"], str):
            raise InputError(
                f"{place}.concepts reads labels of sequences by their ids, and draws of the background have none: name "
                f"sequences in {place}.sequences, or give regular expressions."
            )
        if isinstance(settings["sequences"], str):
            _check_known(place, "sequences", settings["sequences"], config["sequences"])
            if config["sequences"][settings["sequences"]]["ambiguous"] == "resolve":
                raise InputError(
                    f"{place} needs plain letters: set sequences.{settings['sequences']}.ambiguous to error or drop."
                )


def _check_design(place: str, design: DesignConfig, model: str, config: Config) -> None:
    """Refuse a design whose scorer, wild type and model do not fit together."""
    models = config["models"]
    _check_known(place, "scorer", design["scorer"], models)
    if design["scorer"] == model:
        raise InputError(f"{place}.scorer is the model that designs, {model}; another one must score what it makes.")
    for key in ("alphabet", "template"):
        if models[design["scorer"]][key] != models[model][key]:
            raise InputError(
                f"{place}.scorer is {design['scorer']}, whose {key} is {models[design['scorer']][key]}, and that of "
                f"{model} is {models[model][key]}; both must read the same sequences."
            )
    tokens = models[model]["source"].get("tokens", {})
    if models[model]["source"].get("input") != "tokens" or "mask" not in tokens:
        raise InputError(
            f"{place} needs a masked language model: give {model} input: tokens and tokens: {{mask: ...}}."
        )


def _check_known(place: str, key: str, name: str, known: Iterable[str]) -> None:
    known = list(known)
    if name in known:
        return
    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}."
    raise InputError(f"{place}.{key} is {name!r}, which the config does not define; {hint}")


LATENTS_KEYS = ("mechanism", "pool", "seed")
# Of the source; what looks into modules computes in full precision.
NOT_OF_NETWORK = ("kind", "unknown_letters", "reference", "axes", "license", "catalogue", "precision")


def expand_latents(config: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the models that are latents: `source: {latents: {mechanism: NAME, pool: mean}}`.

    Alphabet, template and background are those of the model whose latents they are, unless the config says otherwise.

    Args:
        config: not checked yet, with the catalogue's entries filled in.

    Raises:
        InputError: there is no such entry of `mechanism`, its model is missing, or `seed` is no whole number from 0.
    """
    filled: dict[str, Any] = deepcopy(dict(config))
    models, entries = filled.get("models"), filled.get("mechanism")
    if not isinstance(models, dict):
        return filled
    for name, model in list(models.items()):
        source = model.get("source") if isinstance(model, dict) else None
        if not isinstance(source, dict) or not isinstance(source.get("latents"), dict):
            continue
        latents, place = source["latents"], f"models.{name}.source.latents"
        for key in latents:
            if key not in LATENTS_KEYS:
                raise InputError(f"The config has an unknown key {key!r} at {place}; it has {', '.join(LATENTS_KEYS)}.")
        known = entries if isinstance(entries, dict) else {}
        if latents.get("mechanism") not in known:
            raise InputError(
                f"{place}.mechanism is {latents.get('mechanism')!r}, which is not under mechanism: "
                f"{', '.join(known) or 'it is empty'}."
            )
        entry = known[latents["mechanism"]]
        if isinstance(entry, dict) and entry.get("pool", "none") != "none":
            raise InputError(
                f"{place} reads every position, and mechanism.{latents['mechanism']} has pool: {entry['pool']}; set "
                "that to none."
            )
        base = models.get(entry.get("model")) if isinstance(entry, dict) else None
        if not isinstance(base, dict) or not isinstance(base.get("source"), dict):
            raise InputError(f"{place} looks into mechanism.{latents['mechanism']}, whose model is not under models.")
        seed = latents.get("seed", 0)
        if type(seed) is not int or seed < 0:
            raise InputError(
                f"{place}.seed is {seed!r}; it must be a whole number from 0, that of a dictionary of "
                f"mechanism.{latents['mechanism']}."
            )
        kind = (entry.get("dictionary") or {}).get("kind", "sae")
        file = f"results/mechanism/{latents['mechanism']}/dictionaries/{kind}/{seed}.safetensors"
        kept = {key: value for key, value in base["source"].items() if key not in NOT_OF_NETWORK}
        made = {"kind": "latents", **kept, "dictionary": file, "pool": latents.get("pool", "mean")}
        shared = {key: base[key] for key in ("alphabet", "template", "background") if key in base}
        models[name] = {**shared, **model, "source": made}
    return filled
