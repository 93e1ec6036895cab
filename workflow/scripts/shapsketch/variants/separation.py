"""Which positions and which pairs of positions separate two classes of variants, by the sketch.

Compared is what a variant changes: the Shapley value of each position, and the Shapley interaction index of each pair
(Grabisch & Roubens 1999), in the window with the variant less the window without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ..sequences.genome import Reference
from ..sequences.rng import SEPARATION_STREAM, SEPARATION_SUBSET_STREAM, generator
from ..spectrum.indices import InteractionMap
from ..spectrum.interaction_tables import Listing, listed_map
from ..spectrum.spectrum import Spectrum
from ..spectrum.train_interactions import strongest_of_all
from .classes import Truth
from .mutations import ROUNDING
from .reading import Placing, placed
from .scoring import MIN_VARIANTS

MAX_VARIANTS = 2000  # with a label that are compared; drawn evenly from more
MAX_PAIRS = 200  # of positions that are compared: those whose interaction variants change most, whatever their class
PERMUTATIONS = 2000
VALUES_AT_ONCE = 4_000_000
COLUMNS = ["output", "kind", "positions", "variants", "positives", "changed", "mean_positive", "mean_negative",
           "difference", "low", "high", "p_value", "p_adjusted"]  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """How the means of F features differ between two classes.

    Attributes:
        means: (2, F) float64, of the positive and of the other class.
        low, high: (F,) float64, the 95 % interval of their difference (Welch 1947).
        p_values: (F,) float64, two-sided, of Welch's test of each feature alone.
        adjusted: (F,) float64, the chance that any of the features differs by as large a t where labels are shuffled
            (Westfall & Young 1993, the single-step maxT): small ones may be believed however many features there are.
    """

    means: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_values: np.ndarray
    adjusted: np.ndarray


def compare_classes(values: np.ndarray, positive: np.ndarray, seed: int) -> Difference:
    """Compare the means of two classes.

    Args:
        values: (N, F) float64.
        positive: (N,) bool; two of either class at least.
        seed: of the shuffled labels.
    """
    (difference,), (error,), (freedom,) = _welch(values, positive[None])
    size = difference / error
    rng = generator(seed, SEPARATION_STREAM)
    above = np.zeros(len(size))
    step = max(1, VALUES_AT_ONCE // max(values.shape))
    for start in range(0, PERMUTATIONS, step):
        shuffled = rng.permuted(np.tile(positive, (min(step, PERMUTATIONS - start), 1)), axis=1)
        differences, errors, _ = _welch(values, shuffled)
        largest = np.abs(differences / errors).max(1, initial=0)
        above += (largest[:, None] >= np.abs(size) * (1 - ROUNDING)).sum(0)
    reach = student.ppf(0.975, freedom) * error
    return Difference(
        np.array([values[positive].mean(0), values[~positive].mean(0)]),
        difference - reach,
        difference + reach,
        2 * student.sf(np.abs(size), freedom),
        (1 + above) / (1 + PERMUTATIONS),
    )


def _welch(values: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return differences of means, their standard errors (above 0) and degrees of freedom (Welch 1947).

    Args:
        values: (N, F) float64.
        positive: (P, N) bool, labellings.

    Returns:
        (P, F) float64 each.
    """
    first = positive.astype(np.float64)
    counts = np.array([first.sum(1), (1 - first).sum(1)])[:, :, None]
    sums, squares = first @ values, first @ values**2
    sums = np.array([sums, values.sum(0) - sums])
    squares = np.array([squares, (values**2).sum(0) - squares])
    means = sums / counts
    least = (ROUNDING * np.abs(values).max(0, initial=0)) ** 2 + 1e-300  # what is below is rounding
    parts = np.maximum((squares / counts - means**2) / (counts - 1), least)
    difference = means[0] - means[1]
    difference = np.where(np.abs(difference) <= np.sqrt(least), 0.0, difference)
    variance = parts.sum(0)
    return difference, np.sqrt(variance), variance**2 / (parts**2 / (counts - 1)).sum(0)


def separation_table(
    variants: pd.DataFrame, truth: Truth, spectra: Sequence[Spectrum], reference: Reference, placing: Placing, seed: int
) -> pd.DataFrame:
    """Say which positions and pairs of positions separate the classes.

    Args:
        variants: one row for each, with the columns of `VARIANT_SCHEMA`.
        truth: of the same variants.
        spectra: of the outputs.
        reference, placing: as when the model was asked.
        seed: of what is drawn.

    Returns:
        With `COLUMNS`, those that differ most surely first, by output and kind (`position`, `interaction`). Positions
        count from 1 within the window, as the model reads it; `changed` counts the variants for which the value is
        another than without them. What no variant changes has no row, and fewer than `MIN_VARIANTS` of either class
        give none.
    """
    parts = [pd.DataFrame(columns=COLUMNS)]
    rows = _chosen(truth, seed)
    windows = [placing.letters(reference, *placed(row)) for row in variants.iloc[rows].to_dict("records")]
    for spectrum in spectra:
        texts = [spectrum.template.alphabet.normalise(side) for side in zip(*windows, strict=True)]
        codes = np.array([spectrum.template.to_local(spectrum.template.alphabet.encode(side)) for side in texts])
        plain = (codes < spectrum.template.sizes).all((0, 2)) if len(rows) else np.zeros(0, bool)
        positive, codes = truth.positive[rows][plain], codes[:, plain] if len(rows) else codes
        if min(positive.sum(), (~positive).sum()) < MIN_VARIANTS:
            continue
        without, variant = codes
        changes = spectrum.components.shapley_values(variant) - spectrum.components.shapley_values(without)
        places = [str(k + 1) for k in range(spectrum.template.n)]
        parts.append(_rows(spectrum.output, "position", places, changes, positive, seed))
        names, pairs = _pair_changes(spectrum, without, variant)
        parts.append(_rows(spectrum.output, "interaction", names, pairs, positive, seed))
    parts = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(parts, ignore_index=True)


def _chosen(truth: Truth, seed: int) -> np.ndarray:
    """The variants with a label; so many as are compared."""
    labelled = np.flatnonzero(truth.labelled)
    order = generator(seed, SEPARATION_SUBSET_STREAM).permutation(len(labelled))
    return np.sort(labelled[order[:MAX_VARIANTS]])


def _rows(
    output: str, kind: str, names: Sequence[str], values: np.ndarray, positive: np.ndarray, seed: int
) -> pd.DataFrame:
    values = np.where(np.abs(values) <= ROUNDING * np.abs(values).max(initial=0), 0.0, values)
    changed = (values != 0).sum(0)
    kept = np.flatnonzero(changed)
    if not len(kept):
        return pd.DataFrame(columns=COLUMNS)
    comparison = compare_classes(values[:, kept], positive, seed)
    table = pd.DataFrame(
        {
            "output": output,
            "kind": kind,
            "positions": [names[k] for k in kept.tolist()],
            "variants": len(values),
            "positives": int(positive.sum()),
            "changed": changed[kept],
            "mean_positive": comparison.means[0],
            "mean_negative": comparison.means[1],
            "difference": comparison.means[0] - comparison.means[1],
            "low": comparison.low,
            "high": comparison.high,
            "p_value": comparison.p_values,
            "p_adjusted": comparison.adjusted,
        }
    )
    return table.sort_values(["p_adjusted", "p_value"], kind="stable")


def _pair_changes(spectrum: Spectrum, without: np.ndarray, variant: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The pairs whose interaction changes most, and by how much for each variant: (N, pairs) float64."""
    mapping = listed_map(spectrum, "SII", Listing(["SII"], min_order=2, max_order=2))
    count, size = len(without), len(mapping.supports)
    squares = np.zeros(size)
    step = max(1, VALUES_AT_ONCE // max(size, 1))
    blocks = [slice(start, start + step) for start in range(0, count, step)]

    def changes(block: slice) -> np.ndarray:
        with_it, plain = (_interactions(spectrum, mapping, codes[block]) for codes in (variant, without))
        return with_it - plain

    for block in blocks:
        squares += (changes(block) ** 2).sum(0)
    chosen = np.sort(np.argsort(-squares, kind="stable")[:MAX_PAIRS])
    values = np.concatenate([changes(block)[:, chosen] for block in blocks]) if size else np.zeros((count, 0))
    names = [",".join(str(i + 1) for i in mapping.supports[k]) for k in chosen.tolist()]
    return names, values


def _interactions(spectrum: Spectrum, mapping: InteractionMap, codes: np.ndarray) -> np.ndarray:
    """(N, supports of the map) float64: every interaction of every sequence."""
    unique, which = np.unique(codes, axis=0, return_inverse=True)  # the window without a variant may be that of all
    strongest = strongest_of_all(spectrum.components, mapping, unique, top_k=None)
    values = np.zeros((len(unique), len(mapping.supports)))
    values[strongest.rows, strongest.columns] = strongest.values
    return values[which.ravel()]
