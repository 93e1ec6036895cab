"""The tables of numbers in README, docs and tests/benchmarks/README, made of `tests/benchmarks/results/*.tsv`.

A table stands below a line `<!-- table: NAME -->`. `make tables` writes all of them anew; a test asks that this changes
nothing, so that a number of a table is that of a file, and a file is what a benchmark wrote.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pandas as pd

from benchmarks.result_files import FOLDER, read_results
from shapsketch.comparison.registry import METHODS, OURS
from shapsketch.storage.files import write_text

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "tests/benchmarks/README.md", "docs/benchmarks.md")
MARK = re.compile(r"<!-- table: (\w+) -->\n\n?(?:\|.*\n)*")
Rows = list[list[str]]  # the first row is the header
NAMES = {
    "deepspcas9": "DeepSpCas9 (28 free positions)",
    "guide_cnn": "embedded guide network",
    "bedict_a6": "BE-DICT, editing of A6 (a transformer, n = 20)",
    "optimus5p": "Optimus 5-Prime (n = 50)",
    "sprout": "SPROUT, fraction of insertions (trees)",
    "gb1_complete": "GB1 landscape, 4 sites, 160,000 variants",
    "gb1_measured": "GB1 landscape as measured (149,361 variants)",
    "gb1_network": "GB1 network, the same 4 sites",
    "gb1_domain": "GB1 network, all 56 sites, around the wild type",
    "sparse": "1,000 terms up to order 5 (n = 40), exactly sparse",
    "sparse_noisy": "the same in noise of a tenth of its power",
}


def small(value: float) -> str:
    """Return an error with two significant digits, as a plain decimal where it is not below 0.0001."""
    if pd.isna(value):
        return "-"
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.0e}" if value < 1e-4 else f"{Decimal(f'{value:.1e}'):f}"


def score(values: Iterable[float]) -> str:
    """Return R2 of some outputs, a cell of its own for none."""
    there = [f"{value:.3f}" for value in values if pd.notna(value)]
    return ", ".join(there)


def grouped(rows: Rows) -> Rows:
    """Leave out a first cell that is the one above."""
    return [rows[0]] + [["" if new[0] == old[0] else new[0], *new[1:]] for old, new in pairwise(rows)]


def in_order(models: Iterable[str]) -> list[str]:
    """Return names of models in the order of pages."""
    return sorted(set(models), key=list(NAMES).index)


def recovery(table: pd.DataFrame) -> Rows:
    """What the workflow reaches unless told otherwise, and shapzero from at least as many evaluations."""
    rows = [["model", "evaluations", "near", "`auto`: R²", "on the sequences", "Shapley values", "truth"]]
    ours = table[table["estimator"] == "auto"]
    for model in in_order(ours["model"]):
        for (_, near), runs in ours[ours["model"] == model].groupby(["budget", "near"]):
            error = runs["truth_error"].max()
            truth = "-" if pd.isna(error) else "exact" if error == 0 else f"{100 * error:.0f} %"
            cells = [score(runs[name]) for name in ("r2", "r2_sequences", "r2_shapley")]
            rows.append([NAMES[model], f"{runs['evaluations'].max():,}", f"{near:g}", *cells, truth])
    return grouped(rows)


def methods(table: pd.DataFrame) -> Rows:
    """Errors of Shapley values: ours, KernelSHAP's, and the best two of the others; what is ahead of ours is bold."""
    rows = [["model", "evaluations of each of", "the sketch", "KernelSHAP", "the best of the others"]]
    for model in in_order(table["model"]):
        for (count, spread), runs in table[table["model"] == model].groupby(["evaluations", "spread"]):
            errors = runs.set_index("method")["error"].dropna().sort_values()
            if OURS not in errors:
                continue
            best = errors.drop([OURS, "kernel_shap"], errors="ignore")[:2]
            others = [bold(f"{small(error)}, {METHODS[name]}", error < errors[OURS]) for name, error in best.items()]
            kernel = errors.get("kernel_shap", float("nan"))
            cell = "needs more" if pd.isna(kernel) else bold(small(kernel), kernel < errors[OURS])
            rows.append([NAMES[model], f"{count} of {spread:,}", small(errors[OURS]), cell, "; ".join(others)])
    return grouped(rows)


def methods_all(table: pd.DataFrame) -> Rows:
    """Errors of every method on every model, of the runs with the most evaluations."""
    columns, names = [], []
    for model in in_order(table["model"]):
        runs = table[table["model"] == model]
        runs = runs[runs["evaluations"] == runs["evaluations"].max()]
        columns.append(runs.set_index("method")["error"])
        names.append(f"{model}, {runs['evaluations'].iloc[0]} of {runs['spread'].iloc[0]:,}")
    rows = [["method", *names]]
    for name in (name for name in METHODS if any(name in column for column in columns)):
        cells = [column.get(name, float("nan")) for column in columns]
        ours = [column.get(OURS, float("nan")) for column in columns]
        rows.append([METHODS[name], *(bold(small(c), c < o) for c, o in zip(cells, ours, strict=True))])
    return rows


def bold(text: str, ahead: bool) -> str:
    """Set a peer's number in bold where it is ahead of ours."""
    return f"**{text}**" if ahead else text


TABLES: dict[str, tuple[str, Callable[[pd.DataFrame], Rows]]] = {
    "recovery": ("recovery", recovery),
}


def render(name: str) -> str:
    """Return a table as Markdown, made of its file of results.

    Raises:
        KeyError: there is no such table.
        FileNotFoundError: nothing has been measured for it.
    """
    stem, make = TABLES[name]
    path = FOLDER / f"{stem}.tsv"
    if not path.exists():
        raise FileNotFoundError(path)
    header, *rows = make(read_results(path))
    lines = ["".join(f"| {cell} " if cell else "| " for cell in line) for line in (header, *rows)]
    return "".join(f"{line}|\n" for line in (lines[0], "|---" * len(header), *lines[1:]))


def filled(page: str) -> str:
    """Return a page's text with every marked table made anew."""
    return MARK.sub(lambda match: f"<!-- table: {match[1]} -->\n\n{render(match[1])}", page)


def main() -> None:
    """Write the tables of all pages anew."""
    for name in PAGES:
        path = ROOT / name
        text = path.read_text()
        if (new := filled(text)) != text:
            write_text(path, new)
            print(f"{name} is written.")


if __name__ == "__main__":
    main()
