"""The tables of what happens inside networks, for `benchmarks.tables`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.table_cells import Rows, grouped, score
from shapsketch.mechanism.measures import over_seeds

PUSHES = {
    "latents": "latents of the probe", "layer": "the layer's own probe", "means": "difference of means",
    "random": "random latents", "logits": "nothing",
}  # fmt: skip
WINDOWS = {
    "a_4_8": "an A at 4 to 8", "a_3_9": "an A at 3 to 9", "any_4_8": "any letter there, 4 to 8",
    "any_3_9": "any letter there, 3 to 9",
}  # fmt: skip
LAYERS = ("embedding", "first", "second")
FINDERS = {
    ("latents", 1): "the best latent", ("latents", 2): "two together", ("latents", 3): "three together",
    ("random", 1): "the best random latent", ("random", 2): "two of these together",
    ("random", 3): "three of these together", ("directions", 1): "the best of as many random directions",
    ("directions", 2): "two of these together", ("directions", 3): "three of these together",
    ("neurons", 1): "the best neuron", ("units", 1): "the best unit of the perceptron",
    ("probe", 1): "a logistic probe", ("positions", 1): "the positions alone",
}  # fmt: skip
VARIANTS = {"topk": "TopK", "matryoshka": "Matryoshka"}
RANKINGS = {
    "selection": "selected one after another", "ablation": "by ablation", "influence": "by influence in graphs",
    "gradient": "by gradient", "random": "at random",
}  # fmt: skip


def over(values: Sequence[float], form: str = ".4f") -> str:
    """The mean over seeds, with its 95 % interval where there are several."""
    summary = over_seeds([float(value) for value in values])
    assert summary is not None
    ends = summary["interval"]
    return f"{summary['mean']:{form}}" + (f" ({ends[0]:{form}} to {ends[1]:{form}})" if ends else "")


def between(values: pd.Series, form: str = ".3f") -> str:
    """The mean over seeds, with the least and the most: of shares, which Student's interval may leave."""
    mean, least, most = (format(value, form) for value in (values.mean(), values.min(), values.max()))
    return mean if least == most else f"{mean} ({least} to {most})"


def needed(values: pd.Series) -> str:
    """The median over seeds of how many latents are needed, with the least and the most."""
    least, most = values.min(), values.max()
    never = int(values.isna().sum())
    known = "never" if never == len(values) else f"{values.median():.0f}"
    known += f" ({least:.0f} to {most:.0f})" if least < most else ""
    return known if never in (0, len(values)) else f"{known}, never in {never} of {len(values)} seeds"


def mechanism(table: pd.DataFrame) -> Rows:
    """BE-DICT, over seeds: what the dictionaries do, beside their controls."""
    count, seeds = 2 * int(table["latents"].iloc[0]), len(table)
    first, controls = list(RANKINGS)[:3], list(RANKINGS)[3:]

    def of(name: str, form: str = ".4f") -> str:
        return over(table[name], form)

    def seen(name: str, form: str = ".3f") -> str:
        return between(table[name], form)

    def ranked(what: str, kinds: Sequence[str]) -> str:
        return "; ".join(f"{RANKINGS[kind]} {needed(table[f'{what}_{kind}'])}" for kind in kinds)

    rows = [
        ["what", f"value, {seeds} seeds", "control"],
        ["R² of all logits, perceptrons replaced, across layers", of("r2_across"), f"{of('r2_within')} within layers"],
        ["recovered", of("recovered_across"), f"{of('recovered_within')} within layers; 0 is the layers' means"],
        ["latents that are dead", seen("dead_across", ".1%"), f"{seen('dead_within', '.1%')} within layers"],
        [
            f"latents of {count} that keep 80 % of A6's variation", ranked("needed", first),
            f"{ranked('needed', controls)}; with none of them {seen('kept_none', '.1%')} is kept",
        ],
        ["latents that keep 80 % of what latents add to that", ranked("added", first), ranked("added", controls)],
        [
            "area under the curve of what is kept, beyond that of gradients",
            "; ".join(f"{RANKINGS[kind]} {of(f'area_gain_{kind}', '+.3f')}" for kind in first), "0",
        ],
        ["replacement score of A6's graphs", seen("replacement"), ""],
        ["completeness score", seen("completeness"), ""],
    ]  # fmt: skip
    outputs, wins, sure = (int(table[name].sum()) for name in ("outputs", "wins", "sure_wins"))
    rows.append([
        "outputs that a latent raises more than its controls",
        f"{wins} of {outputs} over all seeds, {seen('wins', '.0f')} of a seed; {sure} beyond the interval",
        "random latents of equal norm, difference of means",
    ])  # fmt: skip
    return rows


def bystanders(table: pd.DataFrame) -> Rows:
    """F1 of an A at a position by what is active there, and what it adds to editing at 6, over seeds."""
    words = ["best latent", "best neuron", "random latents", "always yes", "adds to A6's logit"]
    rows = [["an A at", *words]]
    for position, runs in table.groupby("position"):
        scores = [between(runs[name]) for name in ("f1", "neuron_f1", "random_f1", "position_f1")]
        rows.append([str(position), *scores, between(runs["effect"], "+.2f")])
    outside = table.drop_duplicates("seed")["effect_outside"]
    return [*rows, ["outside of 3 to 9", "", "", "", "", between(outside, "+.2f")]]


def window_concepts(table: pd.DataFrame) -> Rows:
    """F1 of the editing window, in each layer, by latents and by what tells it without a dictionary."""
    rows = [["layer", "F1 of", *WINDOWS.values()]]
    for layer, words in enumerate(LAYERS):
        for (finder, count), name in FINDERS.items():
            chosen = table[table[["layer", "finder", "together"]].eq([layer, finder, count]).all(axis=1)]
            if len(chosen):
                rows.append(
                    [words, name, *(between(chosen.loc[chosen["concept"] == one, "f1"], ".2f") for one in WINDOWS)]
                )
    return grouped(rows)


def window_effects(table: pd.DataFrame) -> Rows:
    """What of the editing window is kept when latents know less, over seeds."""
    count = 2 * int(table["latents"].iloc[0])

    def seen(name: str, form: str = ".1%") -> str:
        return between(table[name], form)

    return [
        ["what", f"value, {len(table)} seeds", "control"],
        ["the window that is kept when latents know letter and place", seen("kept_letter_place"), ""],
        [
            "when they know the letter alone", seen("kept_letter"),
            f"the place alone {seen('kept_place')}; nothing {seen('kept_nothing')}",
        ],
        [
            f"when few of {count} know anything: those whose loss changes the window most",
            "; ".join(f"{size}: {seen(f'kept_{size}')}" for size in (1, 2, 4, 8)),
            f"4 at random: {seen('kept_4_random')}",
        ],
        ["when these four know the letter alone", seen("kept_4_letter"), ""],
        [
            f"latents of {count} that keep 80 % of the window", needed(table["needed"]),
            f"{needed(table['needed_random'])} at random",
        ],
        [
            "correlation with the window of what is lost without one of these four", seen("alike", ".2f"),
            f"{seen('alike_random', '.2f')} of random directions of equal length",
        ],
        ["size of that, in logits", seen("size", ".2f"), seen("size_random", ".2f")],
    ]  # fmt: skip


def guide_latents(table: pd.DataFrame) -> Rows:
    """The most influential latents of two modules of the guide network: letters, sketch and motif.

    What stands behind R2 is of the default estimator, where it was asked.
    """
    rows = [[
        "module", "latent", "letters of its windows", "influence", "R² by tables", "by default", "on eGFP",
        "strongest motif", "its share",
    ]]  # fmt: skip
    for module in ("motifs", "mixing"):
        runs = table[table["module"] == module].sort_values("rank")
        by = {name: runs[runs["estimator"] == name].set_index("rank") for name in ("regression", "auto")}
        for rank, row in (by["auto"] if len(by["auto"]) else by["regression"]).iterrows():
            tables = score([by["regression"]["r2"].get(rank, float("nan"))]) or "-"
            default = f"{row['r2']:.3f} ({row['r2_low']:.3f} to {row['r2_high']:.3f})" if len(by["auto"]) else "-"
            cells = [row["latent"], f"`{row['letters']}`", f"{row['influence']:.3f}", tables, default]
            cells += [f"{row['r2_on_sequences']:.3f}", f"`{row['motif']}`", f"{row['share']:.0%}"]
            rows.append([module, *map(str, cells)])
    return grouped(rows)


def antibodies(table: pd.DataFrame) -> Rows:
    """AntiBERTy's fifth layer: how good the dictionary is, by variant."""
    table = table.iloc[np.argsort([list(VARIANTS).index(name) for name in table["variant"]])]
    rows = [["what", *(VARIANTS[name] for name in table["variant"]), "control"]]
    pca, mean, clean = (float(table[name].iloc[0]) for name in ("pca", "loss_mean", "loss_clean"))

    def row(what: str, name: str, form: str, control: str = "") -> list[str]:
        return [what, *(format(value, form) for value in table[name]), control]

    k = int(table["k"].iloc[0])
    rows += [
        row("steps of training, of 1,024 vectors", "steps", ",.0f"),
        row("CPU seconds", "seconds", ".0f", table["device"].iloc[0]),
        row("FVU", "fvu", ".3f", f"{pca:.3f}, PCA of {k} components"),
        row("active", "l0", ".1f"),
        row("dead", "dead", ".1%"),
        row("masked loss recovered", "recovered", ".4f", f"clean {clean:.3f}, layer mean {mean:.3f}"),
    ]  # fmt: skip
    return rows


def antibody_concepts(table: pd.DataFrame) -> Rows:
    """F1 of concepts by latents of each variant and by their controls; bold is ahead of the latents."""
    variants = [name for name in VARIANTS if name in set(table["variant"])]
    named = [VARIANTS[name] for name in variants]
    rows = [["concept", *named, "best neuron", "random latents", "position"]]
    for concept in dict.fromkeys(table["concept"]):
        by = table[table["concept"] == concept].set_index("variant")
        best = by["f1"].max()
        controls = by.loc[variants[0], ["neuron_f1", "random_f1", "position_f1"]]
        cells = [f"**{value:.3f}**" if value > best else f"{value:.3f}" for value in controls]
        rows.append([concept, *(f"{by.loc[name, 'f1']:.3f}" for name in variants), *cells])
    return rows


def antibody_designs(table: pd.DataFrame) -> Rows:
    """What a scorer says of designs above the wild type, by what the model was pushed along."""

    def cell(row: pd.Series, key: str) -> str:
        if np.isnan(row[key]):
            return "-"
        ends = (row[f"{key}_low"], row[f"{key}_high"])
        return f"{row[key]:+.2f}" + (f" ({ends[0]:+.2f} to {ends[1]:+.2f})" if not np.isnan(ends[0]) else "")

    rows = [["pushed along", "strength", "mean", "best tenth", "maximum", "latents have more in the best tenth"]]
    named = table.set_index("arm")
    for arm, words in PUSHES.items():
        row = named.loc[arm]
        rows.append([words, f"{row['strength']:.2f}", *(cell(row, key) for key in ("mean", "top", "max", "top_gain"))])
    return rows


TABLES = {
    "mechanism": ("mechanism", mechanism),
    "bystanders": ("bystanders", bystanders),
    "window_concepts": ("window_concepts", window_concepts),
    "window_effects": ("window_effects", window_effects),
    "guide_latents": ("guide_latents", guide_latents),
    "antibodies": ("antibodies", antibodies),
    "antibody_concepts": ("antibody_concepts", antibody_concepts),
    "antibody_designs": ("antibody_designs", antibody_designs),
}
