"""The strongest supports of a spectrum with trains, as tables: what motifs and pictures of supports are made of."""

from typing import TYPE_CHECKING

import numpy as np

from .components import dense_table
from .terms import Support, Terms
from .train_variances import support_variances
from .trains import listed_supports

if TYPE_CHECKING:
    from .spectrum import Spectrum

MAX_TABLES = 6_000  # of supports of two letters or more
MAX_CELLS = 4_000_000  # of all tables together
MIN_SHARE = 1e-6  # of the variance: weaker supports are no table
CLOSURE = 1_500  # of the strongest supports of an order, out of which those of the next order are grown
MIN_KNOWN = 2  # how many of what a support holds with a letter less must be among these; not all: means may cancel
MAX_CANDIDATES = 4_000  # supports of an order that are looked at: those of which most is known
MAX_ORDER = 5


def strongest_terms(spectrum: "Spectrum") -> Terms:
    """Return the strongest supports of a spectrum under its background, as exact tables.

    Supports of up to three letters are chosen among all, by their variance. One of four or five is looked at where two
    that it holds with a letter less are among the strongest.

    Args:
        spectrum: with trains, and with terms or without.
    """
    template, free = spectrum.template, spectrum.template.free
    total = sum(spectrum.variance_by_order().values())
    variances = _variances(spectrum)
    ranked = sorted(variances, key=lambda s: (-variances[s], len(s), s))
    chosen: list[Support] = [(i,) for i in free.tolist()]
    cells = 0
    for support in ranked:
        size = int(np.prod(template.sizes[list(support)]))
        if len(support) > 1 and variances[support] > MIN_SHARE * total and cells + size <= MAX_CELLS:
            chosen.append(support)
            cells += size
            if len(chosen) >= MAX_TABLES:
                break
    tables = {support: _table(spectrum, support) for support in chosen}
    for order in range(4, MAX_ORDER + 1):
        grown = _grown(spectrum, tables, variances, order, MIN_SHARE * total)
        tables |= grown
        if not grown:
            break
    return Terms.build(template.sizes, tables)


def _variances(spectrum: "Spectrum") -> dict[Support, float]:
    """Of every support of up to three letters, and of those of the terms: the components' variances, added up."""
    background, free = spectrum.background, spectrum.template.free
    rows = listed_supports(len(free), min(3, len(free)))
    supports = [tuple(free[row[row >= 0]].tolist()) for row in rows]
    sums = np.zeros(len(supports))
    for train in spectrum.trains:
        sums += support_variances(train, [background.local[i] for i in free.tolist()], rows.shape[1])
    variances = dict(zip(supports, sums.tolist(), strict=True))
    of_terms = spectrum.terms.variances(background.local)
    for support, variance in zip(spectrum.terms.supports, of_terms.tolist(), strict=True):
        variances[support] = variances.get(support, 0.0) + variance
    return variances


def _table(spectrum: "Spectrum", support: Support) -> np.ndarray:
    """The dividends of all components on a support."""
    components = spectrum.components
    table = np.zeros(spectrum.template.sizes[list(support)])
    for train in spectrum.trains:
        table += components.train_table(train, support)
    term = components.term_of.get(support)
    return table if term is None else table + dense_table(spectrum.terms, term)


def _grown(
    spectrum: "Spectrum", tables: dict[Support, np.ndarray], variances: dict[Support, float], order: int, least: float
) -> dict[Support, np.ndarray]:
    """The supports of an order that stand out, out of the strongest of the order below; their variances are added."""
    below = [s for s in tables if len(s) == order - 1]
    strongest = set(sorted(below, key=lambda s: (-variances[s], s))[:CLOSURE])
    positions = sorted({i for s in strongest for i in s})
    promised: dict[Support, list[float]] = {}  # the variances of what a candidate holds with a letter less
    for support in below:
        if support in strongest:
            for i in positions:
                if i not in support:
                    promised.setdefault(tuple(sorted((*support, i))), []).append(variances[support])
    candidates = [s for s, parts in promised.items() if len(parts) >= MIN_KNOWN]
    candidates = sorted(candidates, key=lambda s: (-sum(promised[s]), s))[:MAX_CANDIDATES]
    grown = {}
    for support in sorted(candidates):
        if np.prod(spectrum.template.sizes[list(support)]) > MAX_CELLS // CLOSURE:
            continue
        table = _table(spectrum, support)
        squares = table**2
        for i in reversed(support):
            squares = squares @ spectrum.background.local[i]
        if squares > least:
            grown[support], variances[support] = table, float(squares)
    return grown
