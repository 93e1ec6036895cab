"""The config's `mechanism`: what it names is there, and fits together. Imports nothing heavy."""

from collections.abc import Iterable
from difflib import get_close_matches

from .errors import InputError
from .records import Config, MechanismConfig


def ends_of(own: MechanismConfig) -> list[str]:
    """Return which ends of modules are kept: what they give, and for transcoders what they take."""
    return ["out"] if own["dictionary"]["kind"] == "sae" else ["in", "out"]


def check_mechanism(config: Config) -> None:
    """Check what each entry of `mechanism` names.

    Args:
        config: with all defaults filled in.

    Raises:
        InputError: a model or a set of sequences that is not in the config, a model without modules to name, or
            sequences that keep ambiguous letters.
    """
    for name, own in config["mechanism"].items():
        place = f"mechanism.{name}"
        _check_known(place, "model", own["model"], config["models"])
        source = config["models"][own["model"]]["source"]
        if source["kind"] != "torch" or not ({"factory", "architecture"} & source.keys()):
            raise InputError(
                f"{place} looks into modules, and models.{own['model']} has none to name: give its source the kind "
                'torch and factory: "file.py:function" (a saved program keeps its operators and not its modules).'
            )
        if source.get("reverse_complement"):
            raise InputError(
                f"{place} looks into one pass of models.{own['model']}, whose source has reverse_complement; leave it "
                "out."
            )
        if isinstance(own["sequences"], str):
            _check_known(place, "sequences", own["sequences"], config["sequences"])
            if config["sequences"][own["sequences"]]["ambiguous"] == "resolve":
                raise InputError(
                    f"{place} needs plain letters: set sequences.{own['sequences']}.ambiguous to error or drop."
                )


def _check_known(place: str, key: str, name: str, known: Iterable[str]) -> None:
    known = list(known)
    if name in known:
        return
    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}."
    raise InputError(f"{place}.{key} is {name!r}, which the config does not define; {hint}")
