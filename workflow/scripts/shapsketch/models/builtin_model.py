"""Models without weights that come with the project.

Source keys: `function`, one of `FUNCTIONS`, and its own: `cut`, how many letters lie 5' of the cut
(half of the sequence unless told). The outputs are chosen by their names.

`microhomology` scores how strongly microhomologies on both sides of a double-strand break promote deletions
(Bae et al., Nature Methods 11, 705 (2014), Supplementary Figure 3). A run of k >= 2 letters 5' of the cut that
occurs again 3' of it, d letters further on, scores 100 round(exp(-d / 20), 3) (k + number of G and C), each
longest run once. `microhomology` is the sum, `out_of_frame` the percentage of it with d not divisible by 3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from . import Predictor

LENGTH_WEIGHT = 20.0  # letters
MIN_LENGTH = 2  # letters of a microhomology


def microhomology(source: Mapping[str, Any], template: Template) -> Predictor:
    """Return the microhomology scores of (N, n) codes of DNA.

    Raises:
        InputError: the alphabet is not DNA, or the cut leaves no microhomology.
    """
    if template.alphabet.kind != "DNA":
        raise InputError(f"The microhomology score is of DNA; the alphabet is {template.alphabet.letters}.")
    cut = source.get("cut", template.n // 2)
    if not MIN_LENGTH <= cut <= template.n - MIN_LENGTH:
        raise InputError(f"The cut after position {cut} leaves no microhomology in {template.n} letters.")
    strong = np.array([letter in "CG" for letter in template.alphabet.letters])

    def predict(codes: np.ndarray) -> dict[str, np.ndarray]:
        total, in_frame = np.zeros(len(codes)), np.zeros(len(codes))
        for distance in range(1, template.n):
            points = _run_points(codes, strong, cut, distance)
            score = 100 * round(float(np.exp(-distance / LENGTH_WEIGHT)), 3) * points
            total += score
            if distance % 3 == 0:
                in_frame += score
        share = np.divide(total - in_frame, total, out=np.zeros_like(total), where=total > 0)
        return {"microhomology": total, "out_of_frame": 100 * share}

    return predict


def _run_points(codes: np.ndarray, strong: np.ndarray, cut: int, distance: int) -> np.ndarray:
    """(N,) the letters, and once more the G and C, in the longest runs that recur `distance` letters on."""
    first, stop = max(0, cut - distance), min(cut, codes.shape[1] - distance)
    equal = codes[:, first:stop] == codes[:, first + distance : stop + distance]
    neighbour = np.zeros_like(equal)
    neighbour[:, 1:] |= equal[:, :-1]
    neighbour[:, :-1] |= equal[:, 1:]
    return ((equal & neighbour) * (1 + strong[codes[:, first:stop]])).sum(1)


FUNCTIONS = {"microhomology": microhomology}


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return the function that the source names.

    Raises:
        InputError: there is no such function, or it does not take the template.
    """
    name = source["function"]
    if name not in FUNCTIONS:
        raise InputError(f"The built-in model {name!r} is not one of {', '.join(FUNCTIONS)}.")
    return FUNCTIONS[name](source, template)
