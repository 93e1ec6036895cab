"""What is known of variants: measured values, and labels, which make two classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..settings.errors import InputError

MAX_NAMED = 10  # labels that a sentence names
_POSITIVE = ("1", "pathogenic", "true", "yes", "positive")


def positive_label(labels: Sequence[str], wanted: str = "", negative: Sequence[str] = ()) -> str:
    """Return which label is the positive class.

    Args:
        labels: of the variants; empty ones have none.
        wanted: as the config says; empty: 1, pathogenic, true, yes or positive, whatever the case, or the one that is
            left.
        negative: labels that the config calls negative; none: all others.

    Raises:
        InputError: it does not occur, or none of these does; or there are more than two labels, of which the config
            calls none positive and none negative.
    """
    known = sorted(set(labels) - {""})
    if wanted:
        return _known(wanted, known, "positive")
    left = [label for label in known if label not in {_known(one, known, "negative") for one in negative}]
    if negative and len(left) < 2:
        if not left:
            raise InputError(f"The labels are {_listed(known)}, and the config calls all of them negative.")
        return left[0]
    likely = [label for label in left if label.lower() in _POSITIVE]
    if len(known) > 2 and not negative:
        first = (likely or known)[0]
        other = next(label for label in known if label != first)
        raise InputError(
            f"The labels are {_listed(known)}, and two classes are compared: say which is positive, and which are "
            f"negative, as in `positive: {first}` and `negative: [{other}]`."
        )
    if len(likely) != 1:
        raise InputError(f"The labels are {_listed(known)}; say which is positive, as in `positive: {left[0]}`.")
    return likely[0]


def negative_labels(labels: Sequence[str], positive: str, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return which labels are the negative class.

    Args:
        labels: of the variants; empty ones have none.
        positive: the positive one.
        wanted: as the config says; none: all but the positive one.

    Raises:
        InputError: one does not occur, or is the positive one.
    """
    known = sorted(set(labels) - {""})
    chosen = tuple(_known(label, known, "negative") for label in wanted)
    if positive in chosen:
        raise InputError(f"The label {positive!r} is the positive class, and the config calls it negative, too.")
    return chosen or tuple(label for label in known if label != positive)


def _known(label: str, known: Sequence[str], which: str) -> str:
    """A label of the config as the variants have it; 1.0 is 1, as version 1.0 read a Parquet column's numbers."""
    for name in (label, label.removesuffix(".0")):
        if name in known:
            return name
    raise InputError(f"No variant has the label {label!r}, which the config calls {which}; they have {_listed(known)}.")


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - MAX_NAMED
    return ", ".join(labels[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True)
class Truth:
    """What is known of variants.

    Attributes:
        scores: (N,) float64, measured; NaN where it was not.
        labelled: (N,) bool, whether there is a label of either class.
        positive: (N,) bool.
        label: the positive one; empty where there is none.
        negative: the labels of the negative class.
        neither: further ones, of which variants count as without a label.
    """

    scores: np.ndarray
    labelled: np.ndarray
    positive: np.ndarray
    label: str = ""
    negative: tuple[str, ...] = ()
    neither: tuple[str, ...] = ()

    @classmethod
    def read(cls, table: pd.DataFrame, positive: str = "", negative: Sequence[str] = ()) -> "Truth":
        """Read the columns `score` and `label` of a table with a row per variant; see `positive_label` for the rest."""
        labels, scores = table["label"].fillna("").astype(str), table["score"].to_numpy(np.float64)
        known = sorted(set(labels) - {""})
        if not known:
            return cls(scores, np.zeros(len(table), bool), np.zeros(len(table), bool))
        label = positive_label(known, positive, negative)
        negatives = negative_labels(known, label, negative)
        neither = tuple(one for one in known if one != label and one not in negatives)
        labelled = labels.isin([label, *negatives]).to_numpy()
        return cls(scores, labelled, (labels == label).to_numpy(), label, negatives, neither)


def describe_classes(truth: Truth) -> str:
    """Say in a sentence which labels are of which class; empty without labels."""
    if not truth.label:
        return ""
    rest = f"; {_listed(truth.neither)} of neither" if truth.neither else ""
    return f"{truth.label} is the positive class, {_listed(truth.negative) or 'no label'} the negative one{rest}"


def without_label(truth: Truth) -> str:
    """Say in a sentence how many variants are of neither class, having no label or another; empty where none are."""
    count, total = int((~truth.labelled).sum()), len(truth.labelled)
    others = f", or {_listed(truth.neither)}," if truth.neither else ","
    return f"{count} of {total} variants have no label{others} and are of neither class" if count else ""
