"""The tables of long inputs, of trains around them, of their motifs and of folds, made of their files of results."""

from collections.abc import Callable

import pandas as pd

from benchmarks.table_cells import Rows, bold, grouped

LONG_INPUTS = {
    "network": "a network of 500 positions",
    "bpnet": "BPNet's counts, segments of ten of 2,114 letters",
}
MASKED = {"auto": "masks, `auto`", "regression": "masks, `regression`"}


def long_inputs(table: pd.DataFrame) -> Rows:
    """R2 of long inputs: of values the mean over the sequences (their range), of masks of all sequences together."""
    rows = [["input", "method", "sequences", "evaluations of each", "Shapley values", "masks of every size"]]
    rows[0] += ["of half the players", "intervals that hold the truth", "errors told over true ones", "s"]
    for case in (case for case in LONG_INPUTS if case in set(table["case"])):
        runs = table[table["case"] == case].groupby(["method", "budget"])
        best = runs["r2_values"].mean().sort_values(ascending=False, na_position="last")
        for method, budget in best.index:
            run = runs.get_group((method, budget))
            cells = [_over_sequences(run["r2_values"], 3)]
            cells += [_pooled(run["missed"], run["signal"], 3), _pooled(run["half_missed"], run["half_signal"], 2)]
            cells += [_over_sequences(run["coverage"], 3), _over_sequences(run["error_ratio"], 1)]
            about = [LONG_INPUTS[case], MASKED.get(method, method), str(len(run)), f"{budget:,}"]
            seconds = run["seconds"].mean()
            rows.append([*about, *cells, "-" if pd.isna(seconds) else f"{seconds:,.0f}"])
    return grouped(rows)


def _over_sequences(values: pd.Series, digits: int) -> str:
    """The mean over sequences, and from several the lowest and the highest."""
    known = values.dropna()
    if known.empty:
        return "-"
    spread = f" ({known.min():.{digits}f} to {known.max():.{digits}f})" if len(known) > 1 else ""
    return f"{known.mean():.{digits}f}{spread}"


def _pooled(missed: pd.Series, signal: pd.Series, digits: int) -> str:
    """R2 of all sequences together."""
    return "-" if signal.isna().all() else f"{min(1 - missed.sum() / signal.sum(), 1.0):.{digits}f}"


TOLD = ("auto", "students", "students, a third of the walks")


def long_trains(table: pd.DataFrame) -> Rows:
    """Trains around single sequences beside what the explainer says: values of each sequence, masks of all together."""
    numbers = sorted(set(table["sequence"]))
    rows = [["method", "rank", *(f"Shapley values, sequence {k + 1}" for k in numbers), "masks of every size"]]
    rows[0] += ["of half the players", "s"]
    runs = table.groupby(["method", "rank"])
    for method, rank in sorted(runs.groups, key=lambda key: (key[0] not in TOLD, *key)):
        run = runs.get_group((method, rank))
        cells = [_over_sequences(run.loc[run["sequence"] == k, "r2_values"], 3) for k in numbers]
        cells += [_pooled(run["missed"], run["signal"], 3), _pooled(run["half_missed"], run["half_signal"], 2)]
        rows.append([method, str(rank or "-"), *cells, f"{run['seconds'].mean():,.0f}"])
    return rows


def long_motifs(table: pd.DataFrame) -> Rows:
    """Motifs of BPNet's counts, the strongest first."""
    rows = [["evaluations of each", "R², masks of every size", "motif", "named by Tomtom", "share of the variance"]]
    rows[0] += ["strands", "in those with CTCF", "in those without", "s"]
    for run in table.sort_values(["evaluations", "share"], ascending=[True, False]).to_dict("records"):
        if pd.isna(run["motif"]):
            cells = ["none", "-", "-", "-", "-", "-"]
        else:
            name = "-" if pd.isna(run["called"]) else f"{run['called']} (p {run['p_value']:.0e})"
            percent, counts = f"{100 * run['share']:.0f} %", (run["in_12_with_ctcf"], run["in_12_without"])
            cells = [f"`{run['consensus']}`", name, percent, run["strands"], *(f"{k:.0f} of 12" for k in counts)]
        rows.append([f"{run['evaluations']:,}", f"{run['r2_pooled']:.3f}", *cells, f"{run['seconds']:,.0f}"])
    return grouped(rows)


MASK_METHODS = {
    "shapsketch": "`auto`",
    "shapsketch, dividends": "`dividends`",
    "shapsketch, regression": "`regression`",
    "shapiq SPEX": "SPEX",
    "shapiq ProxySPEX": "ProxySPEX",
}


def masks(table: pd.DataFrame) -> Rows:
    """Games of many players: R2, where they are known that of the Shapley values and the share of the true interactions
    that is found, and seconds; what has a higher R2 than `auto` is bold."""
    rows = [["game", "players", "budget", *MASK_METHODS.values()]]
    known = table.groupby("case")["recall"].max().notna()
    for case in sorted(known.index, key=lambda case: (not known[case], case)):
        for players, runs in table[table["case"] == case].groupby("players"):
            by_method = runs.set_index("method").reindex(list(MASK_METHODS))
            scores = by_method["r2"].astype(float).round(3)
            ahead = scores > scores.iloc[0]
            cells = [bold(_mask_scores(run), ahead[name]) for name, run in by_method.iterrows()]
            rows.append([case, f"{players:,}", f"{runs['budget'].max():,.0f}", *cells])
    return grouped(rows)


def _mask_scores(run: pd.Series) -> str:
    known = [] if pd.isna(run["recall"]) else [f"{run['r2_values']:.3f}", f"{run['recall']:.2f}"]
    seconds = f"{run['seconds']:{'.0f' if run['seconds'] >= 10 else '.2g'}} s"
    return "-" if pd.isna(run["r2"]) else ", ".join([f"{run['r2']:.3f}", *known, seconds])


FOLD_CASES = {"guides": "networks of 30 letters, Azimuth's guides", "enhancers": "networks of 120 letters"}


def folds(table: pd.DataFrame) -> Rows:
    """How often intervals from some folds hold the true values of another."""
    rows = [["input", "explained by", "evaluations", "R²", "folds", "intervals that hold another's value"]]
    rows[0] += ["of the strongest tenth", "spread told over true spread"]
    for case in FOLD_CASES:
        for run in table[table["case"] == case].sort_values(["explained_by", "folds"]).to_dict("records"):
            once = run["explained_by"] == "sketch"
            count = f"{run['evaluations']:,} {'in all' if once else 'of each'}"
            percents = [f"{100 * run[name]:.1f} %" for name in ("holds", "holds_strong")]
            name = f"{FOLD_CASES[case]}, {run['networks']} of them, {run['sequences']} sequences"
            cells = [run["explained_by"], count, f"{run['r2']:.3f}", str(run["folds"]), *percents]
            rows.append([name, *cells, f"{run['spread_ratio']:.2f}"])
    return grouped(rows)


TABLES: dict[str, tuple[str, Callable[[pd.DataFrame], Rows]]] = {
    "long_inputs": ("long_inputs", long_inputs),
    "long_trains": ("long_trains", long_trains),
    "long_motifs": ("long_motifs", long_motifs),
    "folds": ("folds", folds),
    "masks": ("masks", masks),
}
