"""The tables of the pages of the gallery, for `benchmarks.tables`."""

from collections.abc import Callable

import pandas as pd

from benchmarks.table_cells import Rows, grouped, score

Maker = Callable[[pd.DataFrame], Rows]
PAGES = ("cas9_guides", "utr5", "gb1", "base_editing")


def gallery_facts(page: str) -> Maker:
    """Return what makes the table of the outputs of a page of the gallery."""

    def make(table: pd.DataFrame) -> Rows:
        head = ["output", "sequences explained", "evaluations", "recovered by", "R²", "on these sequences"]
        rows = [[*head, "within the highest tenth"]]
        for run in table[table["page"] == page].to_dict("records"):
            counts = [f"{run['sequences']:,}", f"{run['evaluations']:,}"]
            scores = [score([run[name]]) for name in ("r2", "r2_on_sequences", "r2_of_highest_tenth")]
            rows.append([run["output"], *counts, run["estimator"], *scores])
        return rows

    return make


def gallery_groups(page: str) -> Maker:
    """Return what makes the table of mean predictions by group of a page of the gallery, the lowest first."""

    def make(table: pd.DataFrame) -> Rows:
        means = table[table["page"] == page].pivot(index="group", columns="output", values="mean")
        counts = table[table["page"] == page].groupby("group")["sequences"].first()
        means = means.sort_values(means.columns[0])
        rows = [["group", "sequences", *means.columns]]
        for group, values in means.iterrows():
            rows.append([str(group).replace("_", " "), f"{counts[group]:,}", *(f"{value:.2f}" for value in values)])
        return rows

    return make


def gallery_placements(page: str) -> Maker:
    """Return what makes the table of where the strongest motif lies, by output, of a page of the gallery."""

    def make(table: pd.DataFrame) -> Rows:
        chosen = table[(table["page"] == page) & (table["motif"] == "M1")]
        runs = chosen[["output", "motif", "positions", "value", "instances"]].itertuples(index=False, name=None)
        rows = [[output, motif, at, f"{value:+.3g}", str(count)] for output, motif, at, value, count in runs]
        return grouped([["output", "motif", "at", "adds", "instances"], *rows])

    return make


def gallery_pairs(page: str) -> Maker:
    """Return what makes the table of the interactions of some sequences of a page, the lowest first."""

    def make(table: pd.DataFrame) -> Rows:
        chosen = table[table["page"] == page].sort_values("interaction")
        runs = chosen[["sequence", "positions", "reconstruction", "interaction"]].itertuples(index=False, name=None)
        rows = [[f"`{text}`", f"{value:+.2f}", at, f"{pair:+.2f}"] for text, at, value, pair in runs]
        return [["variant", "predicted", "positions", "add together"], *rows]

    return make


def gallery_known(page: str) -> Maker:
    """Return what makes the table of letters whose effect was known, and what they add here."""

    def make(table: pd.DataFrame) -> Rows:
        chosen = table[table["page"] == page].sort_values(["position", "mean"])
        runs = chosen[["position", "letter", "known", "mean", "sequences"]].itertuples(index=False, name=None)
        words = {"+": "good", "-": "bad"}
        rows = [[str(at), letter, words[sign], f"{mean:+.3f}", str(count)] for at, letter, sign, mean, count in runs]
        return [["position", "letter", "known to be", "adds on average", "sequences that have it"], *rows]

    return make


def gallery_motifs(page: str) -> Maker:
    """Return what makes the table of the strongest motifs of a page of the gallery."""

    def make(table: pd.DataFrame) -> Rows:
        rows = [["output", "motif", "letters", "at", "adds", "share of the variance", "in sequences"]]
        for run in table[table["page"] == page].to_dict("records"):
            place = "" if pd.isna(run["positions"]) else str(run["positions"]).removesuffix(".0")
            percent = 100 * run["share"]
            of_all = f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
            numbers = [f"{run['value']:+.3g}", of_all, f"{run['sequences']:,}"]
            rows.append([run["output"], run["motif"], f"`{run['consensus']}`", place, *numbers])
        return grouped(rows)

    return make


def masked_facts(table: pd.DataFrame) -> Rows:
    """Scores of masked explanations."""
    rows = [["output", "windows", "evaluations of each", "R² (median)", "of all together", "so on masks of half"]]
    for run in table.to_dict("records"):
        scores = [score([run[name]]) for name in ("r2", "r2_pooled", "half_r2_pooled")]
        rows.append([run["output"], f"{run['sequences']:,}", f"{run['evaluations']:,}", *scores])
    return rows


def masked_windows(table: pd.DataFrame) -> Rows:
    """Windows, the strongest stretch of each, and where it is most like a word; the highest prediction first."""
    rows = [
        ["window", "R²", "strongest stretch", "adds", "most like the motif", "at", "alike", "such places, one in it"]
    ]
    for run in table.to_dict("records"):
        r2 = "-" if pd.isna(run["r2"]) else f"{run['r2']:.2f}"
        stretch = [f"{run['start']}\u2013{run['end']}", f"{run['adds']:+.2f}\u00a0±\u00a0{run['error']:.2f}"]
        word = [f"`{run['letters']}`", f"{run['word_start']}\u00a0({run['strand']})", f"{run['alike']}/{run['of']}"]
        places = f"{run['places']},\u00a0{'yes' if run['overlap'] else 'no'}"
        rows.append([run["name"].replace("_", "\u00a0"), r2, *stretch, *word, places])
    return rows


TABLES: dict[str, tuple[str, Maker]] = {
    **{f"gallery_{page}": ("gallery", gallery_facts(page)) for page in PAGES},
    **{f"groups_{page}": ("gallery_groups", gallery_groups(page)) for page in ("utr5",)},
    **{f"known_{page}": ("gallery_known", gallery_known(page)) for page in ("cas9_guides", "base_editing")},
    "pairs_gb1": ("gallery_pairs", gallery_pairs("gb1")),
    "placements_utr5": ("gallery_placements", gallery_placements("utr5")),
    **{f"motifs_{page}": ("gallery_motifs", gallery_motifs(page)) for page in PAGES},
    "masked_ctcf": ("gallery_masked", masked_facts),
    "windows_ctcf": ("gallery_windows", masked_windows),
}
