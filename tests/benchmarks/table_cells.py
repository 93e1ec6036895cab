"""What cells of tables have in common."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

import pandas as pd

Rows = list[list[str]]  # the first row is the header


def small(value: float) -> str:
    """Return an error with two significant digits, as a plain decimal from 0.0001 to 100,000."""
    if pd.isna(value):
        return "-"
    if 10 <= value < 1e5:
        return f"{value:,.0f}"
    return f"{value:.0e}" if not 1e-4 <= value < 10 else f"{Decimal(f'{value:.1e}'):f}"


def score(values: Iterable[float]) -> str:
    """Return R2 of some outputs, a cell of its own for none; three digits, or four where three would round to 1."""
    there = [f"{value:.4f}" if 0.9995 <= value < 0.99995 else f"{value:.3f}" for value in values if pd.notna(value)]
    return ", ".join(there)


def less_noise(r2: pd.Series, error: pd.Series) -> pd.Series:
    """Return R2 against the true values, from R2 against values with independent errors of known size.

    Squared errors of both add up, and so do the variances of true values and errors: (1 - r2 - error^2) / (1 - error^2)
    of the true values' variance is missed.

    Args:
        r2: against the values with errors.
        error: root mean square error of these, as a share of their spread.
    """
    return 1 - (1 - r2 - error**2) / (1 - error**2)


def grouped(rows: Rows) -> Rows:
    """Leave out a first cell that is the one above."""
    return [rows[0]] + [["" if new[0] == old[0] else new[0], *new[1:]] for old, new in pairwise(rows)]


def share(value: float) -> str:
    """Return a share of what could be found."""
    return "-" if pd.isna(value) else f"{value:.2f}"


def bold(text: str, ahead: bool) -> str:
    """Set a peer's number in bold where it is ahead of ours."""
    return f"**{text}**" if ahead else text
