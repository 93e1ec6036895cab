"""Ambiguous letters in sequences: an exact average over what they may stand for.

A dividend is multilinear in the letters' weights, so its average over independent
ambiguous letters is the dividend of averaged letters. Each IUPAC code becomes a further letter of
every position, an average over the letters that both the code and the template allow, weighted by
the background. A fully ambiguous position therefore contributes exactly nothing.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..sequences.alphabet import UNKNOWN_CODE, character_codes
from ..settings.errors import InputError
from .components import Components

if TYPE_CHECKING:
    from .spectrum import Spectrum


def resolve(spectrum: "Spectrum", sequences: Iterable[str]) -> tuple[np.ndarray, Components]:
    """Encode sequences that may hold IUPAC codes, with components that understand the result.

    Args:
        spectrum: the spectrum that explains them.
        sequences: N strings of n letters; they fit the template but for the codes.

    Returns:
        (N, n) uint8 codes and the components they index: the spectrum's own, with their own codes, where no sequence is
        ambiguous.

    Raises:
        InputError: a sequence is no string or has another length, or a letter is neither allowed nor a code of the
            alphabet.
    """
    template = spectrum.template
    alphabet = template.alphabet
    sequences = spectrum.as_strings(sequences)
    used = sorted(set("".join(sequences)) & set(alphabet.ambiguity))
    if not used:
        return spectrum.encode(sequences), spectrum.components
    if not spectrum.background.is_product:
        number = next(k for k, sequence in enumerate(sequences, 1) if set(sequence) & set(used))
        raise InputError(
            f"Sequence {number} has an ambiguous letter; under a Markov background letters have no average of their "
            "own. Leave such sequences out (`ambiguous: drop`) or choose a background of independent letters."
        )
    text = character_codes(sequences).reshape(-1, template.n)
    codes = template.to_local(alphabet.encode(sequences))
    members = np.array([[a in alphabet.ambiguity[c] for a in alphabet.letters] for c in used])
    weights = spectrum.background.probabilities[:, None, :] * members  # (n, codes, q)
    totals = weights.sum(2)
    for k, code in enumerate(used):
        row, column = np.nonzero((text == ord(code)) & (totals[:, k] > 0))
        codes[row, column] = template.sizes[column] + k
    bad = np.argwhere(codes == UNKNOWN_CODE)
    if len(bad):
        row, i = bad[0]
        raise InputError(f"Sequence {row + 1} has {sequences[row][i]!r} at position {i + 1}, which does not fit.")
    averages = np.divide(weights, totals[:, :, None], out=np.zeros_like(weights), where=totals[:, :, None] > 0)
    letters = [
        np.vstack([np.eye(allowed.sum()), rows[:, allowed]])
        for rows, allowed in zip(averages, template.allowed, strict=True)
    ]
    return codes, spectrum.components.expand(letters)
