"""Single positions and pairs of them: the strongest positions as motifs, and maps of interactions."""

import numpy as np
import pandas as pd

from ..spectrum.interactions import Sums
from ..spectrum.spectrum import Spectrum
from ..spectrum.terms import Support
from .letter_tables import Stack
from .motif import MIN_WORD_GAIN
from .pwm import consensus_letter


def position_row(
    spectrum: Spectrum, stack: Stack, support: Support, name: str, share: tuple[float, float, float]
) -> dict[str, object]:
    """One row of the table of motifs for a single position, and the letters that matter there.

    Args:
        spectrum: gives output and letters.
        stack: of order 1.
        support: the position.
        name: of the motif.
        share: of the variance, and its interval.
    """
    letters, row = spectrum.template.alphabet.letters, stack.row[support]
    table, counts = stack.tables[row], stack.counts[row]
    size = np.round(np.abs(table) * (counts > 0), 12)
    strongest = int(np.lexsort([-table, -size])[0])  # of two letters that mirror one another, the one that raises
    chosen = table * np.sign(table[strongest]) >= MIN_WORD_GAIN * abs(table[strongest])
    ordered = [letters[a] for a in np.argsort(-np.abs(table), kind="stable").tolist() if chosen[a]]
    held = int(counts[chosen].sum())
    return {
        "output": spectrum.output,
        "motif": name,
        "kind": "position",
        "consensus": consensus_letter(spectrum.template.alphabet, chosen * counts / max(held, 1)),
        "order": 1,
        "positions": str(support[0] + 1),
        "letters": ",".join(ordered),
        "relation": "",
        "value": float(table[chosen] @ counts[chosen]) / max(held, 1),
        "share": share[0],
        "share_low": share[1],
        "share_high": share[2],
        "sequences": held,
        "instances": held,
        "placements": 1,
        "spacing": "",
    }


def pair_table(spectrum: Spectrum, supports: list[tuple[int, ...]], sums: Sums) -> pd.DataFrame:
    """One row per pair of positions: `strength`, `mean` and `mean_absolute`."""
    strength = position_interactions(spectrum)
    mean, absolute = np.zeros_like(strength), np.zeros_like(strength)
    if supports:
        second, first = np.array(supports).T
        scale = sums.units / max(int(sums.counts[0]), 1)
        mean[first, second], absolute[first, second] = sums.total[0] * scale, sums.absolute[0] * scale
    first, second = np.tril_indices(len(strength), -1)
    return pd.DataFrame(
        {
            "output": spectrum.output,
            "position_1": second + 1,
            "position_2": first + 1,
            "strength": strength[first, second],
            "mean": mean[first, second],
            "mean_absolute": absolute[first, second],
        }
    )


def position_interactions(spectrum: Spectrum) -> np.ndarray:
    """Return (n, n) symmetric: the standard deviation of all interactions that hold both positions.

    Entry i, j is the root of the summed variance, under the background, of the terms whose support
    contains i and j; the diagonal is zero.
    """
    n = spectrum.template.n
    squares = np.zeros((n, n))
    for support, variance in zip(spectrum.tables.supports, spectrum.variances, strict=True):
        squares[np.ix_(support, support)] += variance
    np.fill_diagonal(squares, 0)
    return np.sqrt(squares)
