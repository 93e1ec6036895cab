"""R2 as it is shown: never better than its interval allows, and in words where there is none.

Every place that shows an R2 to a person (terminal, pages, methods) takes its text from here.
"""

import math

from .records import Score

MAX_R2_UNCERTAINTY = 0.05  # how far below an R2 its interval may reach for the R2 alone to be shown


def r2_of(score: Score) -> tuple[float | None, float | None, float | None]:
    """Return the R2 of `faithfulness.json` with both ends of its interval; None where it is undefined."""
    low, high = score["r2_interval"] or (None, None)
    return score["r2"], low, high


def is_defined(r2: float | None) -> bool:
    """Whether there is a number to show."""
    return r2 is not None and math.isfinite(r2)


def headline_r2(r2: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return an R2 in a few letters, for a headline.

    Args:
        r2: the estimate; None or NaN where it is undefined.
        low, high: its 95 % interval; None without one.

    Returns:
        The estimate where its interval is narrow, otherwise the interval ("0.31 to 1.00"); "1.000" only where the
        interval reaches no lower; "undefined" where there is no estimate.
    """
    if r2 is None or not math.isfinite(r2):
        return "undefined"
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return _text(r2)
    if r2 - low > MAX_R2_UNCERTAINTY:
        return f"{_text(low, 2)} to {_text(high, 2)}"
    return "0.999" if r2 >= 0.9995 > low else _text(r2)


def interval_r2(r2: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return what stands beside the headline, in brackets: the interval, or the estimate where that is the headline."""
    if r2 is None or low is None or high is None or not all(map(math.isfinite, (r2, low, high))):
        return ""
    return f"estimate {_text(r2)}" if r2 - low > MAX_R2_UNCERTAINTY else f"{_text(low)} to {_text(high)}"


def full_r2(r2: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return headline and interval in one: "0.997 (0.996 to 0.998)"."""
    beside = interval_r2(r2, low, high)
    return headline_r2(r2, low, high) + (f" ({beside})" if beside else "")


def percent(share: float) -> str:
    """Return a share of the variance in percent, from 0 to 100 whatever the rounding of its parts."""
    return f"{100 * min(max(share, 0.0), 1.0):.0f} %"


def _text(r2: float, digits: int = 3) -> str:
    return f"{round(r2, digits) + 0.0:.{digits}f}" if abs(r2) < 10 else f"{r2:.3g}"  # no "-0.00"


def scored_on(score: Score) -> str:
    """Return which points an R2 of `faithfulness.json` is of, for a sentence: "the hold-out"."""
    return "the hold-out" if score["scored_on"] == "hold-out" else str(score["scored_on"])
