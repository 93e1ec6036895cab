"""The tables of numbers in README, docs and tests/benchmarks/README, made of `tests/benchmarks/results/*.tsv`.

A table stands below a line `<!-- table: NAME -->`; numbers in sentences are those of `benchmarks.numbers`. `make
tables` writes all of them anew; a test asks that this changes nothing, so that a number is that of a file, and a file
is what a benchmark wrote.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from benchmarks import gallery_tables, long_tables, mechanism_tables, numbers
from benchmarks.result_files import FOLDER, read_results
from benchmarks.table_cells import Rows, bold, grouped, less_noise, score, share, small
from shapsketch.settings.methods import METHODS, OURS
from shapsketch.storage.files import write_text

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("contributing.md", "security.md")  # into docs, when the site is built
PAGES = (
    "README.md", "tests/benchmarks/README.md",
    *sorted(
        path.relative_to(ROOT).as_posix() for folder in (".", "gallery", "how-to", "tutorials")
        for path in (ROOT / "docs" / folder).glob("*.md") if path.name not in COPIED
    ),
)  # fmt: skip
MARK = re.compile(r"<!-- table: (\w+) -->\n+(?:(?:\|.*\n)+\n*)?")
Maker = Callable[[pd.DataFrame], Rows]
NAMES = {
    "planted": "planted tables of one to four of 16 positions",
    "dense": "a random tensor train of 12 positions",
    "deepspcas9": "DeepSpCas9 (28 free positions)",
    "guide_cnn": "embedded guide network",
    "bedict_a6": "BE-DICT, editing of A6 (a transformer, n = 20)",
    "optimus5p": "Optimus 5-Prime (n = 50)",
    "sprout": "SPROUT, fraction of insertions (trees)",
    "gb1_complete": "GB1 landscape, 4 sites, 160,000 variants",
    "gb1_measured": "GB1 as measured, fitness and log enrichment (149,361 variants)",
    "gb1_network": "GB1 network of 4 sites, the landscape's",
    "gb1_domain": "GB1 network of all 56 sites, around the wild type",
    "reporter": "network of a simulated reporter assay (n = 145), `recovery.minutes: 10`",
    "sparse": "1,000 terms up to order 5 (n = 40), exactly sparse",
    "sparse_noisy": "the same in noise of a tenth of its power",
}


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
            scores = [runs["r2"], runs["r2_sequences"], less_noise(runs["r2_shapley"], runs["truth_error"])]
            cells = [score(values) for values in scores]
            rows.append([NAMES[model], f"{runs['evaluations'].max():,}", f"{near:g}", *cells, truth])
    return grouped(rows)


def train_outputs(table: pd.DataFrame) -> Rows:
    """What more outputs cost a recovery by `train`, beside one."""
    rows = [["outputs", "core seconds", "more than one output, for each", "R² (mean)"]]
    one = table.set_index("outputs")["cpu_seconds"].get(1, float("nan"))
    for run in table.sort_values("outputs").itertuples():
        more = 100 * (run.cpu_seconds / one - 1) / max(run.outputs - 1, 1)
        rows.append(
            [str(run.outputs), f"{run.cpu_seconds:.0f}", "" if run.outputs == 1 else f"{more:.1f} %", score([run.r2])]
        )
    return rows


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
    """Errors of every method on every model, from as many evaluations as the column says, the fewest first.

    What is ahead of ours is bold: of ours from as many evaluations, or, where that was not measured, from fewer.
    """
    names, columns = [], []
    for model in in_order(table.loc[table["method"] == OURS, "model"]):
        errors = table[table["model"] == model].pivot(index="evaluations", columns="method", values="error")
        counts = ", ".join(map(str, errors.index))
        names.append(f"{model}, {counts} of {table.loc[table['model'] == model, 'spread'].iloc[0]:,}")
        columns.append(errors)
    rows = [["method", *names]]
    for name in (name for name in METHODS if any(name in errors for errors in columns)):
        cells = [
            [bold(small(e), e < o) for e, o in zip(errors[name], errors[OURS].ffill(), strict=True)]
            if name in errors else ["-"] for errors in columns
        ]  # fmt: skip
        rows.append([METHODS[name], *(", ".join(cell) if set(cell) != {"-"} else "-" for cell in cells)])
    return rows


MEASURES = {
    "recall_2": "pairs found",
    "recall_3": "triples found",
    "error_2": "error of pairs",
    "error_3": "of triples",
}


def interactions(table: pd.DataFrame) -> Rows:
    """How many of the strongest interactions are found, and errors: ours, and in brackets the best of the others."""
    rows = [["model", "evaluations of each of", "index", *MEASURES.values()]]
    runs = [group for _, group in table.groupby(["model", "evaluations", "spread", "index"])]
    for run in sorted(runs, key=lambda run: (list(NAMES).index(run["model"].iloc[0]), run["index"].iloc[0] != "SII")):
        first, by_method = run.iloc[0], run.set_index("method")
        cells = [_beside(by_method[measure].dropna(), measure) for measure in MEASURES]
        rows.append([NAMES[first["model"]], f"{first['evaluations']} of {first['spread']}", first["index"], *cells])
    return grouped(rows)


def _beside(values: pd.Series, measure: str) -> str:
    """Ours, and the best of the others, in bold where that is ahead."""
    if OURS not in values:
        return "-"
    show, best = (share, "max") if measure.startswith("recall") else (small, "min")
    mine, others = values[OURS], values.drop(OURS)
    if others.empty:
        return show(mine)
    other, name = getattr(others, best)(), getattr(others, f"idx{best}")()
    ahead = other > mine if best == "max" else other < mine
    return f"{show(mine)} ({bold(show(other), ahead)}, {METHODS.get(name, name)})"


def interactions_all(table: pd.DataFrame) -> Rows:
    """Every method: pairs and triples found, and errors of orders 1, 2 and 3, by SII and by FSII."""
    rows = [["model", "method", "SII: found", "SII: errors", "FSII: found", "FSII: errors", "seconds"]]
    for model in in_order(table["model"]):
        runs = table[table["model"] == model]
        for method in runs["method"].unique():
            by_index = runs[runs["method"] == method].set_index("index")
            cells = []
            for index in ("SII", "FSII"):
                run = by_index.loc[index] if index in by_index.index else None
                cells.append("-" if run is None else _list(share, run[["recall_2", "recall_3"]]))
                cells.append("-" if run is None else _list(small, run[["error_1", "error_2", "error_3"]]))
            name = f"{NAMES[model]}, {runs['evaluations'].max()} of each"
            rows.append([name, METHODS.get(method, method), *cells, small(by_index["seconds"].max())])
    return grouped(rows)


def _list(show: Callable[[float], str], values: pd.Series) -> str:
    return ", ".join(show(value) for value in values) if values.notna().any() else "-"


def clusters(table: pd.DataFrame) -> Rows:
    """Clusters beside SEAM's, at as many clusters; bold is ahead of ours."""
    rows = [["model", "clusters", "method", "explained", "of held-out sequences", "stability", "like ours"]]
    for model in in_order(table["model"]):
        for count, runs in table[table["model"] == model].groupby("clusters"):
            mine = runs.set_index("method").loc[OURS]
            for run in sorted(runs.to_dict("records"), key=lambda run: run["method"] != OURS):
                scores = [bold(share(run[k]), run[k] > mine[k]) for k in ("explained", "held_out", "stability")]
                name = METHODS.get(run["method"], run["method"])
                rows.append([NAMES[model], str(count), name, *scores, share(run["agreement"])])
    return grouped(rows)


def refinement(table: pd.DataFrame) -> Rows:
    """Refined values and their intervals beside the sketch's own, and KernelSHAP's with as many evaluations."""
    rows = [["sketch", "evaluations of each", "95 % intervals that hold the truth", "error, refined"]]
    rows[0] += ["error, sketch alone", "error, KernelSHAP"]
    for model in in_order(table["model"]):
        for run in table[table["model"] == model].sort_values("evaluations").to_dict("records"):
            errors = [small(run[f"error_{name}"]) for name in ("refined", "sketch", "kernelshap")]
            name = f"{NAMES[model]}, {run['budget']:,} evaluations"
            rows.append([name, f"{run['evaluations']:,}", f"{100 * run['coverage']:.1f} %", *errors])
    return grouped(rows)


def near(table: pd.DataFrame) -> Rows:
    """Sketches without and with near queries: the median over seeds, the least and the most."""
    rows = [["`estimator`"]]
    for name in ("error on the sites", "R² of the background"):
        rows[0] += [f"{name}, plain", "with near queries"]
    for estimator in table["estimator"].unique():
        runs = table[table["estimator"] == estimator].groupby("near")
        cells = [_spread(values, small) for _, values in runs["error_sites"]]
        cells += [_spread(values, "{:.3f}".format) for _, values in runs["r2"]]
        rows.append([f"`{estimator}`", *cells])
    return rows


def _spread(values: pd.Series, show: Callable[[float], str]) -> str:
    """The median, and where they read otherwise the least and the most."""
    median, least, most = show(values.median()), show(values.min()), show(values.max())
    return median if least == most else f"{median} ({least} to {most})"


MUTANTS = {
    1: ("single", "learned from the same ones, measured by others"),
    2: ("double", "the same"),
    3: ("triple", "held out: none was learned from"),
    4: ("quadruple", "held out"),
}


def gb1_mutants(table: pd.DataFrame) -> Rows:
    """How well predictions rank the measured mutants, by the number of changes."""
    rows = [["mutants", "network", ""]]
    for run in table[table["of"] == "effect"].itertuples():
        name, learned = MUTANTS[run.changes]
        rows.append([f"{run.mutants:,} {name}", share(run.spearman), learned])
    return rows


def sizes(table: pd.DataFrame) -> Rows:
    """Megabytes of the environment by package."""
    rows = [["package", "version", "MB with what it needs", "stages (`envs/`)"]]
    whole = len(table) - 1
    for k, row in enumerate(table.fillna("").to_dict("records")):
        size = f"{row['mb']:,.0f}" if row["mb"] >= 0.5 else "< 1"
        rows.append([row["package"], row["version"], size, "" if k == whole else row["environments"]])
    return rows


TABLES: dict[str, tuple[str, Maker]] = {
    "recovery": ("recovery", recovery),
    "train_outputs": ("train_outputs", train_outputs),
    "methods": ("methods", methods),
    "methods_all": ("methods", methods_all),
    "interactions": ("interactions", interactions),
    "interactions_all": ("interactions", interactions_all),
    "clusters": ("clusters", clusters),
    "refinement": ("refinement", refinement),
    "near": ("near", near),
    "gb1_mutants": ("gb1_mutants", gb1_mutants),
    "sizes": ("sizes", sizes),
    **{name: own for name, own in mechanism_tables.TABLES.items() if (FOLDER / f"{own[0]}.tsv").exists()},
    **gallery_tables.TABLES,
    **{name: own for name, own in long_tables.TABLES.items() if (FOLDER / f"{own[0]}.tsv").exists()},
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
    """Return a page's text with every marked table and every marked number made anew."""
    page = numbers.filled(page)
    return MARK.sub(lambda match: f"<!-- table: {match[1]} -->\n\n{render(match[1])}\n", page).rstrip("\n") + "\n"


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
