"""The gallery's figures and numbers, taken from results of the workflow: `make gallery ARGS="PAGE=FOLDER ..."`.

FOLDER is where the config of that page was run. Figures go to `docs/gallery/figures`, numbers to
`tests/benchmarks/results/gallery*.tsv`, of which `make tables` makes the tables of the pages.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow/scripts"), str(ROOT / "docs")]

import gallery_masked as masked  # noqa: E402

from benchmarks.result_files import FOLDER, merge_results  # noqa: E402
from shapsketch.storage.files import read_json  # noqa: E402
from shapsketch.storage.tsv import read_table  # noqa: E402

FIGURES = ROOT / "docs/gallery/figures"
COMMAND = "make gallery"
MAX_MOTIFS = 6
MAX_BYTES = 150_000
# The model and the sequences of each page, and its figures among the logos: what is before `=` names the copy.
PAGES = {
    "cas9_guides": ("guide_cnn", "egfp", ["all=activity.contributions", "pairs=activity.interactions_signed"]),
    "gb1": ("gb1", "sites", ["all=gpmap_complete.contributions", "supports=gpmap_complete.supports"]),
    "utr5": ("optimus", "hbb_utr5", ["all=HEK293T.contributions", "pairs=HEK293T.interactions_signed"]),
    "base_editing": ("bedict", "edits", ["all=A6.contributions", "pairs=A6.interactions_signed"]),
}
# Of pages of long inputs model and sequences, and a word that is known.
MASKED = {"ctcf": ("ctcf", "windows", "AYAGTGCCMYCTRGTGGCCA")}
OUTPUTS = {"base_editing": ["A6"]}  # that are shown, of those pages that do not show all
# Of which sequences of a page the interaction of which positions is shown.
SHOWN = {"gb1": ("3,4", ["VDGV", "VDLV", "VDGG", "VDLG"])}
# Letters that are known to raise (+) or to lower (-) the prediction, as the pages say; of guides at positions of the
# 30-mer, which are 4 more than those of the guide.
KNOWN = {
    "cas9_guides": [
        (24, "G", "+"), (24, "A", "+"), (23, "G", "+"), (23, "A", "+"), (22, "C", "+"), (20, "C", "+"), (25, "C", "+"),
        (24, "C", "-"), (24, "T", "-"), (23, "T", "-"), (22, "T", "-"), (21, "T", "-"), (20, "G", "-"), (25, "T", "-"),
        (28, "G", "-"),
    ],
    "base_editing": [(5, "T", "+"), (7, "C", "+"), (5, "A", "-"), (7, "A", "-")],
}  # fmt: skip
FIRST = "cas9_guides"  # what `make run` runs: what it tells at its end stands in README
RUN = ["page"]  # a page that is collected again loses all its rows of before
LINES = ["page", "place", "line"]
KNOWN_COLUMNS = ["page", "output", "position", "letter", "known", "sequences", "mean"]
PAIRS = ["page", "output", "sequence", "positions", "reconstruction", "interaction"]
FACTS = ["page", "output", "sequences", "evaluations", "estimator", "r2", "r2_on_sequences", "r2_of_highest_tenth"]
GROUPS = ["page", "output", "group", "sequences", "mean"]
PLACES = ["page", "output", "motif", "positions", "value", "instances"]
MOST_PLACED = ("M1", "M2")  # motifs whose placements are listed
MOTIFS = ["page", "output", "motif", "kind", "consensus", "positions", "letters", "value", "share", "sequences"]


def collect(page: str, folder: Path) -> None:
    """Copy the figures of a page and put its numbers into the files of results.

    Args:
        page: of `PAGES`.
        folder: where it was run, which has `results`.
    """
    FIGURES.mkdir(parents=True, exist_ok=True)
    if page in MASKED:
        collect_masked(page, folder)
        return
    model, sequence_set, figures = PAGES[page]
    results = folder / "results" / model
    for figure in figures:
        name, _, stem = figure.partition("=")
        source = results / sequence_set / "motifs/logos" / f"{stem}.png"
        if source.stat().st_size > MAX_BYTES:
            raise ValueError(f"{source} has {source.stat().st_size} bytes; a page of the gallery holds {MAX_BYTES}.")
        shutil.copy(source, FIGURES / f"{page}_{name}.png")
    scores = read_json(results / "spectrum/faithfulness.json")
    outputs = OUTPUTS.get(page, list(scores))
    asked = read_json(results / sequence_set / "faithfulness.json")
    facts: list[dict[str, Any]] = [
        {name: score[name] for name in ("evaluations", "estimator", "r2")}
        | {"page": page, "output": output, "sequences": asked[output]["sequences"]}
        | {"r2_on_sequences": asked[output]["r2_on_queries"]}
        | {"r2_of_highest_tenth": asked[output].get("r2_of_highest_tenth")}
        for output, score in scores.items()
        if output in outputs
    ]
    merge_results(FOLDER / "gallery.tsv", facts, RUN, FACTS, COMMAND)
    if page == FIRST:
        told = (results / sequence_set / "summary.txt").read_text().splitlines()
        rows = [{"page": page, "place": place, "line": line} for place, line in enumerate(told, 1)]
        merge_results(FOLDER / "first_run.tsv", rows, RUN, LINES, COMMAND)
    means = [row for row in group_means(page, results / sequence_set) if row["output"] in outputs]
    merge_results(FOLDER / "gallery_groups.tsv", means, RUN, GROUPS, COMMAND)
    motifs = read_table(results / sequence_set / "motifs/motifs.tsv").query("output in @outputs")
    strongest = pd.concat([rows.head(MAX_MOTIFS) for _, rows in motifs.groupby("output", sort=False)])
    rows = strongest.assign(page=page)[MOTIFS].to_dict("records")
    merge_results(FOLDER / "gallery_motifs.tsv", rows, RUN, MOTIFS, COMMAND)

    placed = read_table(results / sequence_set / "motifs/placements.tsv").query("output in @outputs")
    places = placed[placed["motif"].isin(MOST_PLACED)].assign(page=page)[PLACES].to_dict("records")
    merge_results(FOLDER / "gallery_placements.tsv", places, RUN, PLACES, COMMAND)

    if page in KNOWN:
        letters = read_table(results / sequence_set / "motifs/contributions.tsv")
        letters = letters[(letters["set"] == "all") & letters["output"].isin(outputs)]
        known = pd.DataFrame(KNOWN[page], columns=KNOWN_COLUMNS[2:5]).merge(letters, on=KNOWN_COLUMNS[2:4])
        rows = known.rename(columns={"count": "sequences"}).assign(page=page)[KNOWN_COLUMNS].to_dict("records")
        merge_results(FOLDER / "gallery_known.tsv", rows, RUN, KNOWN_COLUMNS, COMMAND)
    if page in SHOWN:
        rows = interactions_of(page, results / sequence_set, *SHOWN[page])
        merge_results(FOLDER / "gallery_pairs.tsv", rows, RUN, PAIRS, COMMAND)


def collect_masked(page: str, folder: Path) -> None:
    """Do the same for a page of long inputs, each of which was explained by itself; its figures are drawn here."""
    model, sequence_set, word = MASKED[page]
    results = folder / "results" / model / sequence_set
    merge_results(FOLDER / "gallery_masked.tsv", masked.facts(page, results), RUN, masked.MASKED, COMMAND)
    merge_results(FOLDER / "gallery_windows.tsv", masked.windows(page, results, word), RUN, masked.WINDOWS, COMMAND)
    figure = masked.map_of_windows(results)
    figure.savefig(FIGURES / f"{page}_windows.png", dpi=110, metadata={"Software": None})


def interactions_of(page: str, folder: Path, positions: str, sequences: list[str]) -> list[dict[str, Any]]:
    """Return the reconstruction of some sequences, and the interaction (FSII) of some positions in each."""
    texts = pd.read_parquet(folder / "sequences.parquet", columns=["sequence_id", "sequence"])
    texts = texts[texts["sequence"].isin(sequences)]
    values = pd.read_parquet(folder / "shapley_values.parquet", columns=["sequence_id", "output", "reconstruction"])
    listed = pd.read_parquet(folder / "interactions.parquet")
    listed = listed[(listed["index"] == "FSII") & (listed["positions"] == positions)]
    both = texts.merge(values, on="sequence_id").merge(listed, on=["sequence_id", "output"])
    return both.rename(columns={"value": "interaction"}).assign(page=page)[PAIRS].to_dict("records")


def group_means(page: str, folder: Path) -> list[dict[str, Any]]:
    """Return the mean prediction of each group of sequences, by output, in the order of the sequences."""
    groups = pd.read_parquet(folder / "sequences.parquet", columns=["sequence_id", "group"])
    values = pd.read_parquet(folder / "shapley_values.parquet", columns=["sequence_id", "output", "prediction"])
    both = values.merge(groups, on="sequence_id")
    sums = both.groupby(["output", "group"], sort=False)["prediction"].agg(sequences="size", mean="mean").reset_index()
    return sums.assign(page=page).to_dict("records")


def main() -> None:
    """Collect what the command line names."""
    pages = [*PAGES, *MASKED]
    parser = argparse.ArgumentParser(prog="gallery", description=__doc__)
    parser.add_argument("runs", nargs="+", help=f"PAGE=FOLDER; pages are {', '.join(pages)}")
    for run in parser.parse_args().runs:
        page, _, folder = run.partition("=")
        if page not in pages or not Path(folder, "results").is_dir():
            parser.error(f"{run} is not PAGE=FOLDER with a page of {', '.join(pages)} and a folder that has results.")
        collect(page, Path(folder))


if __name__ == "__main__":
    main()
