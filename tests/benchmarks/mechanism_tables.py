"""The tables of what happens inside networks, for `benchmarks.tables`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.table_cells import Rows
from shapsketch.mechanism.measures import over_seeds

PUSHES = {
    "latents": "latents of the probe", "layer": "the layer's own probe", "means": "difference of means",
    "random": "random latents", "logits": "nothing",
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
    rows += [
        [
            f"an A at {at}: F1 of the best latent at that position", seen(f"latent_a{at}"),
            f"best neuron {seen(f'neuron_a{at}')}, random latents {seen(f'random_a{at}')}, "
            f"always yes {table['always'].mean():.2f}",
        ]
        for at in (5, 7, 8)
    ]  # fmt: skip
    words = {"neuron": "best neuron", "random": "random latents", "position": "the positions alone"}
    rows.append([
        "an A in the window (4 to 8): F1 of the best latent", seen("latent_window"),
        ", ".join(f"{name} {seen(f'{key}_window')}" for key, name in words.items()),
    ])  # fmt: skip
    rows.append([
        "what these latents add to A6's logit there",
        "; ".join(f"{at}: {seen(f'effect_a{at}', '+.2f')}" for at in (5, 7, 8)),
        f"an A outside of 3 to 9: {seen('effect_outside', '+.2f')}",
    ])  # fmt: skip
    outputs, wins, sure = (int(table[name].sum()) for name in ("outputs", "wins", "sure_wins"))
    rows.append([
        "outputs that a latent raises more than its controls",
        f"{wins} of {outputs} over all seeds, {seen('wins', '.0f')} of a seed; {sure} beyond the interval",
        "random latents of equal norm, difference of means",
    ])  # fmt: skip
    return rows


def guide_latents(table: pd.DataFrame) -> Rows:
    """The most influential latents of two modules of the guide network: letters, sketch and motif."""
    rows = [
        [
            "module",
            "latent",
            "letters of its windows",
            "influence",
            "R² of its sketch",
            "on eGFP",
            "strongest motif",
            "its share",
        ]
    ]
    for module in ("motifs", "mixing"):
        for row in table[table["module"] == module].sort_values("rank").to_dict("records"):
            cells = [str(row["latent"]), f"`{row['letters']}`", f"{row['influence']:.3f}"]
            cells += [f"{row['r2']:.4f} ({row['r2_low']:.4f} to {row['r2_high']:.4f})", f"{row['r2_on_sequences']:.4f}"]
            rows.append([module, *cells, f"`{row['motif']}`", f"{row['share']:.0%}"])
    return [rows[0]] + [["" if k and new[0] == rows[k][0] else new[0], *new[1:]] for k, new in enumerate(rows[1:])]


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
        controls = [by[name].iloc[0] for name in ("neuron_f1", "random_f1", "position_f1")]
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
    "guide_latents": ("guide_latents", guide_latents),
    "antibodies": ("antibodies", antibodies),
    "antibody_concepts": ("antibody_concepts", antibody_concepts),
    "antibody_designs": ("antibody_designs", antibody_designs),
}
