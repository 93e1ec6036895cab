"""The page of a set of variants: effects, what was left out, scores, haplotypes, and contributions before and after."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..figures.style import letter_colors
from ..sequences.alphabet import Alphabet
from .html import glyphs, render

MAX_VARIANTS = 5_000  # on the page: those with the largest effects
MAX_HAPLOTYPES = 500  # those whose joint effect is furthest from the sum of single ones
MAX_REASONS = 12
MAX_SEPARATING = 15  # positions, and pairs of positions, of each output
ROUNDING = 1e-9  # of the largest number of a table: what is smaller is none
SURE = 0.05  # the adjusted p-value below which a difference is called one
_CHANCE = {"auroc": 0.5, "mcc": 0.0, "spearman": 0.0, "top_recall": 0.1}  # of a predictor that knows nothing

Tables = Mapping[str, pd.DataFrame | None]


def build_variants(
    tables: Tables,
    sources: Mapping[str, Any],
    names: tuple[str, str],
    alphabet: Alphabet,
    palette: str = "colorblind",
    provenance: Sequence[tuple[str, str]] = (),
    classes: str = "",
) -> str:
    """Return the page as HTML.

    Args:
        tables: `effects`, `dropped`, and where they are there `scores`, `confusion`, `predictions`, `separation`,
            `haplotypes`, `pairs`, `contributions`.
        sources: paths of the page's own parts: `template`, `style`, and `scripts`.
        names: of the model and of the set of variants.
        alphabet: of the model.
        palette: of the letters.
        provenance: rows of what it was made from.
        classes: which labels are of which class, in a sentence; empty without labels.
    """
    effects, dropped = tables["effects"], tables["dropped"]
    assert effects is not None and dropped is not None
    outputs = list(dict.fromkeys(effects["output"]))
    letters = alphabet.letters
    contributions = _contributions(tables.get("contributions"), outputs)
    shown = {*outputs, names[0], *(f"{names[0]}.{output}" for output in outputs)}  # these are the column delta
    predictions = _predictions(tables.get("predictions"), tables.get("scores"), shown)
    content = {
        "alphabet": {"letters": letters, "colors": letter_colors(alphabet, palette), "glyphs": glyphs(letters)},
        "outputs": outputs,
        "predictors": list(predictions.columns),
        "variants": _variants(effects, outputs, predictions),
        "haplotypes": _haplotypes(tables.get("haplotypes"), tables.get("pairs"), outputs),
        "contributions": contributions,
    }
    count = len(effects) // max(len(outputs), 1)
    reasons = dropped["reason"].astype(str).str.replace(r"\S*\d\S*", "…", regex=True).value_counts()
    haplotypes = tables.get("haplotypes")
    scores, confusion = tables.get("scores"), tables.get("confusion")
    return render(
        sources,
        content,
        model=names[0],
        variant_set=names[1],
        count=count,
        left_out=len(dropped),
        reasons=list(reasons[:MAX_REASONS].items()),
        more_reasons=max(len(reasons) - MAX_REASONS, 0),
        haplotypes=0 if haplotypes is None else haplotypes[["haplotype", "contig", "start"]].drop_duplicates().shape[0],
        scores=[] if scores is None else scores.replace({np.nan: None}).to_dict("records"),
        chance=_CHANCE,
        provenance=provenance,
        classes=classes,
        separation=_separation(tables.get("separation")),
        confusion=[] if confusion is None else confusion.to_dict("records"),
        folds=bool(effects["delta_sd"].notna().any()),
        compared=bool(effects["percentile"].notna().any()),
    )


def _number(value: float) -> float | None:
    """A number of seven digits; None for what is missing."""
    return None if pd.isna(value) else float(f"{value:.7g}")


def _predictions(table: pd.DataFrame | None, scores: pd.DataFrame | None, shown: set[str]) -> pd.DataFrame:
    """What is predicted beside the effects by this model, by record and allele; of what is scored."""
    if table is None or scores is None:
        return pd.DataFrame()
    by_allele = table.set_index(["record", "allele"])
    named = [name for name in scores["predictor"].unique() if name not in shown]
    return by_allele[[name for name in by_allele.columns if name.removesuffix(".value") in named]]


def _separation(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """By output and kind: what separates the classes most surely, and the largest bound of an interval."""
    parts = []
    for (output, kind), rows in [] if table is None else table.groupby(["output", "kind"], sort=False):
        shown = rows[:MAX_SEPARATING].copy()
        largest = float(np.nanmax(np.abs(shown[["low", "high", "difference"]].to_numpy()), initial=0)) or 1.0
        means = ["mean_positive", "mean_negative"]
        shown[means] = shown[means].where(shown[means].abs() > ROUNDING * largest, 0.0)
        sure = int((rows["p_adjusted"] < SURE).sum())
        parts.append({"output": output, "kind": kind, "rows": shown.replace({np.nan: None}).to_dict("records"),
                      "largest": largest, "all": len(rows), "sure": sure})  # fmt: skip
    return parts


def _variants(effects: pd.DataFrame, outputs: list[str], predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """The variants with the largest effects, relative to the largest of each output, in the order of the file."""
    count = len(effects) // max(len(outputs), 1)
    deltas = np.abs(effects["delta"].to_numpy().reshape(count, -1))
    relative = (deltas / np.maximum(deltas.max(0, initial=0), 1e-300)).max(1, initial=0)
    chosen = np.sort(np.argsort(-relative, kind="stable")[:MAX_VARIANTS])
    columns = ("ref_value", "alt_value", "delta", "delta_sd", "percentile", "sketch_delta")
    rows = []
    for k in chosen.tolist():
        of_variant = effects.iloc[k * len(outputs) : (k + 1) * len(outputs)]
        first = of_variant.iloc[0]
        change = [
            f"{a or '-'}>{b or '-'}" for a, b in zip(first["ref"].split(","), first["alt"].split(","), strict=True)
        ]
        rows.append(
            {
                "key": f"{first['record']}.{first['allele']}",
                "id": first["variant_id"],
                "place": f"{first['contig']}:{first['positions']}",
                "change": ", ".join(change),
                "label": first["label"] or "",
                "score": _number(first["score"]),
                "predicted": [_number(x) for x in predictions.loc[first["record"], first["allele"]]]
                if len(predictions.columns)
                else [],
                "values": [[_number(row[name]) for name in columns] for _, row in of_variant.iterrows()],
            }
        )
    return rows


def _haplotypes(values: pd.DataFrame | None, pairs: pd.DataFrame | None, outputs: list[str]) -> list[dict[str, Any]]:
    """The haplotypes whose joint effect is furthest from the sum of single ones, those first."""
    if values is None or pairs is None or not len(values):
        return []
    key = ["haplotype", "contig", "start"]
    extremes = values["beyond_singles"].abs() / values.groupby("output")["joint"].transform(
        lambda players: players.abs().max() or 1
    )
    order = (
        extremes.groupby([values[name] for name in key], sort=False).max().sort_values(ascending=False, kind="stable")
    )
    chosen = order.index[:MAX_HAPLOTYPES]
    grouped, paired = dict(list(values.groupby(key, sort=False))), dict(list(pairs.groupby(key, sort=False)))
    rows = []
    for name in chosen:
        players, two = grouped[name], paired[name]
        first = players.iloc[0]
        rows.append(
            {
                "name": first["haplotype"],
                "place": f"{first['contig']}:{first['start']}-{first['end']}({first['strand']})",
                "carriers": int(first["carriers"]),
                "missing": int(first["missing"]),
                "method": first["method"],
                "outputs": [
                    _game(players[players["output"] == output], two[two["output"] == output]) for output in outputs
                ],
            }
        )
    return rows


def _game(values: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, Any]:
    first = values.iloc[0]
    columns = ("single", "shapley_value", "standard_error")
    cells = (values["variant_id"], values["ref"].fillna(""), values["positions"], values["alt"].fillna(""))
    changes = [_change(*row) for row in zip(*cells, strict=True)]
    return {
        "sums": [_number(first[name]) for name in ("joint", "sum_of_singles", "beyond_singles")],
        "players": [
            [name, change, *(_number(row[column]) for column in columns)]
            for name, change, (_, row) in zip(values["variant_id"], changes, values.iterrows(), strict=True)
        ],
        "pairs": [_number(value) for value in pairs["interaction"]],
        "pair_errors": [_number(value) for value in pairs["standard_error"]],
    }


def _change(name: str, ref: str, place: str, alt: str) -> str:
    """What a variant changes; as it is called, where its name says that, by the numbers of its file."""
    return name if re.fullmatch(rf"{re.escape(ref)}-?[0-9]+{re.escape(alt)}", name) else f"{ref}{place}{alt}"


def _contributions(table: pd.DataFrame | None, outputs: list[str]) -> dict[str, Any]:
    """By variant, and by number of the output: letters and contributions of both windows."""
    by_allele: dict[str, Any] = {}
    for (record, allele, output), rows in [] if table is None else table.groupby(["record", "allele", "output"]):
        by_output = by_allele.setdefault(f"{record}.{allele}", {})
        by_output[str(outputs.index(output))] = {
            "letters": ["".join(rows[f"{side}_letter"]) for side in ("ref", "alt")],
            "values": [[_number(v) for v in rows[f"{side}_contribution"]] for side in ("ref", "alt")],
        }
    return by_allele
