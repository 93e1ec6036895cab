"""Outputs of the config that are made of a model's answer: what may be written, and what it means in words.

A selection is an entry for each axis of the answer after that of the sequences, in their order; or a mapping from axes
to entries, by name or by number as in the shape (1 is the first after the sequences), where axes that are left out are
taken whole. An entry is an index from 0 (-1 is the last), a name, a range `first:end` without its end, a list of such,
or `all`. Runs in Snakemake's own process, so it imports nothing heavy.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import InputError

OF_ONE = {
    "sum": "the sum over",
    "mean": "the mean over",
    "max": "the largest of",
    "logsumexp": "the logarithm of the summed exponentials of",
}
OF_TWO = ("log_ratio", "difference", "softmax_share")
SCORES = {  # of a masked language model, in words
    "pseudo_log_likelihood": "the sum over positions of the log-probability of the letter there, with that letter "
    "hidden and all others shown: each evaluation asks the network once for every position",
    "masked_marginal": "the log-probability of the letters that differ from the wild type less that of the wild "
    "type's, with all of them hidden",
}
WHOLE = ("all", ":")
RANGE = re.compile(r"(-?[0-9]+)?:(-?[0-9]+)?")


def check_output(name: str, spec: Mapping[str, Any]) -> None:
    """Check what can be known of an output's mapping before any answer is seen.

    Raises:
        InputError: keys that exclude or need one another.
    """
    reduce, second = spec.get("reduce"), "against" in spec
    if "column" in spec and ("select" in spec or reduce):
        raise InputError(
            f"The output {name} has both column and {'select' if 'select' in spec else 'reduce'}; the key "
            "column takes one number of an answer (N, columns), the others take any: keep one of them."
        )
    if second and reduce not in OF_TWO:
        raise InputError(f"The output {name} has a second selection, against, which needs reduce: {', '.join(OF_TWO)}.")
    if reduce in ("log_ratio", "difference") and not second:
        raise InputError(f"The output {name} is a {reduce}, which needs a second selection: against: ...")
    first, other = spec.get("select"), spec.get("against")
    if reduce in ("log_ratio", "difference") and isinstance(first, Mapping) and isinstance(other, Mapping):
        axes = sorted(set(map(str, first)) ^ set(map(str, other)) - {"of"})
        if axes:
            raise InputError(
                f"The output {name} selects along {axes[0]} in only one of select and against; name the same axes in "
                "both."
            )


def parts_of(spec: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the selections of an output: (the model's own output or None, the selection), one or two."""
    first = (spec.get("of"), spec.get("select", {}))
    if spec.get("reduce") not in OF_TWO:
        return [first]
    other = spec.get("against", {})
    if isinstance(other, Mapping):
        return [first, (other.get("of", first[0]), {key: entry for key, entry in other.items() if key != "of"})]
    return [first, (first[0], other)]


def transform_words(transform: Any) -> str:
    """Return a transform in words, as in `logit` or `power 0.5`."""
    return f"power {transform['power']:g}" if isinstance(transform, Mapping) else str(transform)


def output_words(spec: Mapping[str, Any]) -> str:
    """Return what an output is, in words, as in `the mean over bins 440 to 455 of the model's answer`.

    Args:
        spec: its mapping in the config.
    """
    transform = transform_words(spec["transform"]) if "transform" in spec else ""
    if "select" in spec or "reduce" in spec:
        first, *second = (_part_words(of, selection) for of, selection in parts_of(spec))
        reduce = spec.get("reduce")
        if reduce in OF_ONE:
            words = f"{OF_ONE[reduce]} {first}"
        elif reduce == "log_ratio":
            words = f"the logarithm of the sum over {first} divided by the sum over {second[0]}"
        elif reduce == "difference":
            words = f"the mean over {first} minus the mean over {second[0]}"
        elif reduce == "softmax_share":
            words = f"the share of {first} in the softmax over {second[0]}"
        else:
            words = first
        words += " (counted from 0)" if any(_is_counted(selection) for _, selection in parts_of(spec)) else ""
    elif "column" in spec:
        words = _part_words(spec.get("of"), {"column": spec["column"]})
        words += " (counted from 0)" if _is_counted(spec["column"]) else ""
    elif "of" in spec:
        words = _part_words(spec["of"], {})
    else:
        words = "the model's answer"
    return f"{words}, on the scale {transform}" if transform else words


def _is_counted(selection: Any) -> bool:
    """Whether an index or a range is in a selection."""
    if isinstance(selection, Mapping):
        return any(map(_is_counted, selection.values()))
    if isinstance(selection, list):
        return any(map(_is_counted, selection))
    return isinstance(selection, int) or (selection not in WHOLE and RANGE.fullmatch(selection) is not None)


def _part_words(of: Any, selection: Any) -> str:
    """As in `bins 440 to 455 and tracks K562 of the model's output 'human'`."""
    whole = "the model's answer" if of is None else f"the model's own output {of!r}"
    if isinstance(selection, Mapping):
        axes = [(f"axis {key}" if str(key).isdigit() else key, entry) for key, entry in selection.items()]
    else:
        entries = selection if isinstance(selection, list) else [selection]
        axes = [(f"axis {k}", entry) for k, entry in enumerate(entries, 1)]
    told = [f"{axis} {entry_words(entry)}" for axis, entry in axes if entry not in WHOLE]
    return f"{' and '.join(told)} of {whole}" if told else whole


def entry_words(entry: Any) -> str:
    """Return an entry in words; a range with its last index, not its end."""
    if isinstance(entry, list):
        return ", ".join(map(entry_words, entry))
    bounds = RANGE.fullmatch(entry) if isinstance(entry, str) else None
    if not bounds or entry in WHOLE:
        return str(entry)
    first, end = bounds.groups()
    if end is None:
        return f"from {first} on"
    last = f"{int(end) - 1}" if int(end) > 0 else f"before {end}"
    return f"{first or 0} to {last}"


def change_axis_files(axes: Any, change: Callable[[str], str]) -> Any:
    """Return a source's `axes` with each text file of names changed.

    Args:
        axes: a list of names and of `{name: names of its indices, or a text file of them}`; or such a list for each
            of the model's own outputs.
        change: of the path of a file.
    """
    if isinstance(axes, Mapping):
        return {of: change_axis_files(names, change) for of, names in axes.items()}
    return [
        {name: change(labels) if isinstance(labels, str) else labels for name, labels in axis.items()}
        if isinstance(axis, Mapping)
        else axis
        for axis in axes
    ]
