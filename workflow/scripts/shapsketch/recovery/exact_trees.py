"""Models that are trees: exact dividends from the trees themselves, without a sketch.

The dividends of each leaf are those of `trees.Leaves`; only the paths come from the user's model.
"""

import time
from collections.abc import Sequence
from math import comb

import numpy as np
import pandas as pd

from ..fidelity.faithfulness import report, scored_points
from ..fidelity.records import FitDetails, OutputRecord, RecoveryRecord, record_of
from ..models import identity
from ..models.ensemble import Ensemble
from ..models.trees_model import read_ensemble
from ..sampling.plan import Plan, Role
from ..sampling.sketch import Sketch
from ..sequences.background import Background
from ..settings.errors import InputError
from ..settings.estimators import EXACT_TREES
from ..settings.records import Source
from ..spectrum.scale import check_scale
from ..spectrum.spectrum import Spectrum
from ..spectrum.terms import Terms
from .base import provenance
from .trees import Leaves

CHECKED_SEQUENCES = 1000  # sequences on which the spectrum is compared with the trees
MAX_CELLS = 1 << 27  # of all tables of an output: a gigabyte
MAX_COLUMNS = 20_000  # choices of columns of a leaf's path, each a pass over the leaves


def expand(
    source: Source, outputs: Sequence[str], background: Background, *, max_order: int | None, seed: int
) -> tuple[list[Spectrum], dict[str, OutputRecord], pd.DataFrame]:
    """Expand the trees of a model source, and check the result against the trees on fresh sequences.

    Args:
        source: of the kind `trees`.
        outputs: the names of its outputs.
        background: any product background.
        max_order: the highest order that is kept; None for all that `highest_order` allows.
        seed: of the sequences that check.

    Returns:
        The spectrum of each output, the record of each output for `faithfulness.json`, and the sequences
        that check; see `scored_points`.

    Raises:
        InputError: the trees cannot be read, or their values cannot be told apart (see `check_scale`).
    """
    if not background.is_product:
        raise InputError("The background is a Markov chain; trees are expanded under letters that are independent.")
    began = time.perf_counter()
    template = background.template
    ensemble = read_ensemble(source, template, outputs)
    rounds: tuple[dict[Role, int], ...] = ({"holdout": CHECKED_SEQUENCES},)
    plan = Plan(identity(source), tuple(outputs), background, "random", seed, CHECKED_SEQUENCES, rounds)
    codes = plan.queries(0, CHECKED_SEQUENCES)
    sketch = Sketch(plan, codes, ensemble.predict(template.to_alphabet(codes)))
    for number, output in enumerate(outputs):
        check_scale(sketch.values[:, number], output)
    spectra: list[Spectrum] = []
    records: dict[str, OutputRecord] = {}
    for number, (intercept, terms) in enumerate(exact_spectra(ensemble, background, max_order)):
        spectrum = Spectrum(background, outputs[number], intercept, terms, provenance(plan, EXACT_TREES))
        spectra.append(spectrum)
        recovery: RecoveryRecord = {
            "estimator": EXACT_TREES,
            "weights": {},
            "tried": {EXACT_TREES: _details(ensemble, number, terms)},
        }
        records[outputs[number]] = record_of(
            recovery, report(spectrum, sketch, number), round(time.perf_counter() - began, 2)
        )
    points = pd.concat(scored_points(spectrum, sketch, k) for k, spectrum in enumerate(spectra))
    return spectra, records, points


def _details(ensemble: Ensemble, output: int, terms: Terms) -> FitDetails:
    return {
        "validation_r2": None,
        "terms": len(terms),
        "trees": int((ensemble.outputs == output).sum()),
        "depth": ensemble.depth,
        "order": int(terms.orders.max(initial=0)),
    }


def exact_spectra(
    ensemble: Ensemble, background: Background, max_order: int | None = None, most_cells: int = MAX_CELLS
) -> list[tuple[float, Terms]]:
    """Return the exact intercept and dividends of each output.

    Args:
        ensemble: the trees.
        background: any product background.
        max_order: the highest order that is kept; None for all.
        most_cells: table cells per output; orders that would take more are left out.
    """
    spectra = []
    for output, base in enumerate(ensemble.base):
        roots = ensemble.roots[ensemble.outputs == output]
        leaves = _leaves(ensemble, roots, background)
        order = highest_order(leaves, background.template.sizes, max_order, most_cells)
        intercept, terms = leaves.dividends(order)
        spectra.append((float(base) + intercept, terms))
    return spectra


def _leaves(ensemble: Ensemble, roots: np.ndarray, background: Background) -> Leaves:
    """Walk the trees; leaves that no sequence of the template reaches are left out."""
    template = background.template
    letters = [np.flatnonzero(allowed) for allowed in template.allowed]
    full = [(1 << len(row)) - 1 for row in letters]
    left_of = {
        node: sum(1 << k for k, left in enumerate(ensemble.goes_left[node, letters[position]]) if left)
        for node, position in enumerate(ensemble.positions.tolist())
        if position >= 0
    }
    values: list[float] = []
    paths: list[dict[int, int]] = []
    stack: list[tuple[int, dict[int, int]]] = [(int(root), {}) for root in roots]
    while stack:
        node, path = stack.pop()
        position = int(ensemble.positions[node])
        if position < 0:
            values.append(float(ensemble.values[node]))
            paths.append({i: mask for i, mask in path.items() if mask != full[i]})
            continue
        mask = path.get(position, full[position])
        for child, kept in ((ensemble.left, mask & left_of[node]), (ensemble.right, mask & ~left_of[node])):
            if kept:
                stack.append((int(child[node]), {**path, position: kept}))
    return Leaves(background, np.array(values), paths)


def highest_order(leaves: Leaves, sizes: np.ndarray, max_order: int | None, most_cells: int = MAX_CELLS) -> int:
    """Return the highest order up to which tables and time are bounded; at least 1.

    A leaf whose path restricts c positions has C(c, k) supports of order k; together they are at most as many as there
    are sets of k free positions; of (n,) `sizes`, the letters of each position, more than one are free.
    """
    counts, leaves_of = np.unique(leaves.counts, return_counts=True)
    deepest, free, widest = int(counts.max()), int((sizes > 1).sum()), int(sizes.max())
    cells = columns = 0
    for order in range(1, min(deepest, max_order or deepest) + 1):
        supports = sum(comb(c, order) * leaves for c, leaves in zip(counts.tolist(), leaves_of.tolist(), strict=True))
        cells += min(supports, comb(free, order)) * widest**order
        columns += comb(deepest, order)
        if order > 1 and (cells > most_cells or columns > MAX_COLUMNS):
            return order - 1
    return max(1, min(deepest, max_order or deepest))
