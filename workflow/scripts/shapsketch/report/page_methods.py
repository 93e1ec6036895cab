"""The section of the page that sets the sketch beside other methods."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..comparison.summary import SCORES
from ..figures.style import method_colors
from ..settings.methods import METHODS, OURS

Record = Mapping[str, Any]


def cost_points(rows: Sequence[Record]) -> list[dict[str, Any]]:
    """Return what the chart of accuracy against cost draws: `name`, `color`, `amortised`, `r2` and its interval.

    The sketch itself has no colour: it takes the page's.
    """
    done = [row["method"] for row in rows if row["r2"] is not None]
    colors = method_colors(method for method in done if not method.startswith(OURS))
    return [
        {"name": METHODS.get(row["method"], row["method"]), "color": colors.get(row["method"])}
        | {key: row[key] for key in ("amortised", "r2", "r2_low", "r2_high")}
        for row in rows
    ]


def compared_methods(output: str, rows: Sequence[Record], headline: str) -> dict[str, Any]:
    """Return the table of one output in words.

    Args:
        output: its name.
        rows: of `comparison.tsv`, as plain values.
        headline: what they say.
    """
    done = [row for row in rows if row["r2"] is not None]
    error = next((row["truth_error"] for row in done), 0.0) or 0.0
    told = {(row["method"], row["note"]): row for row in reversed(rows) if row["r2"] is None}  # once each
    rows = [row for row in rows if row["r2"] is not None or told[row["method"], row["note"]] is row]
    titles = [METHODS.get(row["method"], row["method"]) for row in rows]
    notes = [
        f"{t}: {row['note']}" for t, row in zip(titles, rows, strict=True) if row["r2"] is not None and row["note"]
    ]
    return {
        "output": output,
        "headline": headline,
        "compared": f"{int(done[0]['compared'])}" if done else "some",
        "truth": f"the long-run truth (standard error {100 * error:.2g} % of its spread)"
        if error
        else "the exact values",
        "rows": [
            dict(row) | {"name": title, "scores": [_score(row, name) for name in SCORES]}
            for title, row in zip(titles, rows, strict=True)
        ],
        "notes": list(dict.fromkeys(notes)),
    }


def _score(row: Record, name: str) -> dict[str, str]:
    value, low, high = (row.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return {"value": "-", "interval": ""}
    interval = "" if low is None or high is None else f"{low:.3g} to {high:.3g}"
    return {"value": f"{value:.3g}" if abs(value) < 0.9995 else f"{value:.4g}", "interval": interval}
