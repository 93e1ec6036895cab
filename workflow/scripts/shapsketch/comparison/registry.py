"""Other methods by name, and what their comparison with the sketch says: when the sketch pays, in numbers and words."""

import numpy as np
import pandas as pd

from ..settings.records import CompareConfig

OURS = "shapsketch"
SCORES = ("r2", "pearson", "spearman", "pair_recall", "insertion", "deletion")  # each with `_low` and `_high`
# Names in the config and in tables, and what they are called on pages.
METHODS = {
    "shapsketch": "shapsketch",
    "shapsketch_refined": "shapsketch, refined",
    "exact": "exact enumeration",
    "monte_carlo": "Monte Carlo permutations",
    "kernel_shap": "KernelSHAP",
    "leverage_shap": "LeverageSHAP",
    "poly_shap": "PolySHAP",
    "odd_shap": "OddSHAP",
    "regression_msr": "RegressionMSR",
    "permutation_sampling": "permutation sampling",
    "shap_iq": "SHAP-IQ",
    "svarm_iq": "SVARM-IQ",
    "spex": "SPEX",
    "proxyspex": "ProxySPEX",
    "proxy_shap": "ProxySHAP",
    "tn_shap": "TN-SHAP",
    "deep_shap": "DeepSHAP",
    "deep_lift_shap": "DeepLIFT/SHAP",
    "integrated_gradients": "integrated gradients",
    "saturation_mutagenesis": "saturation mutagenesis",
    "shapzero": "SHAP zero",
    "fastshap": "FastSHAP",
    "instashap": "InstaSHAP",
}
# Those whose evaluations are paid once, for any number of sequences.
PAID_ONCE = frozenset({OURS, "shapzero", "fastshap", "instashap"})
# Those whose evaluations the template decides.
BY_TEMPLATE = frozenset({"exact", "saturation_mutagenesis"})


def most_evaluations(settings: CompareConfig, outputs: int, budget: int, sequences: int) -> int:
    """Return how many evaluations a comparison takes at most; those of methods `BY_TEMPLATE` apart.

    Args:
        settings: `compare` of the config.
        outputs: of the model; methods explain one after another.
        budget: `sketch.budget`, of methods that pay once.
        sequences: how many the set has.
    """
    if not settings["enabled"]:
        return 0
    count = min(settings["sequences"], sequences)
    paying = set(settings["methods"]) - {OURS} - BY_TEMPLATE
    fixed = len(paying & PAID_ONCE)
    asked = count * sum(settings["evaluations"]) * (len(paying) - fixed) + budget * fixed
    return count * settings["truth_evaluations"] + outputs * asked


def break_even(rows: pd.DataFrame) -> pd.Series:
    """Return, for each row of one output, from how many sequences on the sketch has cost no more than this method.

    Missing where the method comes closer to the truth than the sketch, or asks nothing of each sequence.
    """
    ours = rows[(rows["method"] == OURS) & rows["r2"].notna()]
    result = pd.Series(np.nan, rows.index)
    if ours.empty:
        return result
    sketch = ours.iloc[0]
    peers = rows[~rows["method"].str.startswith(OURS) & (rows["each"] > sketch["each"]) & (rows["r2"] <= sketch["r2"])]
    saved = peers["each"] - sketch["each"]  # by each sequence
    result[peers.index] = np.ceil((sketch["once"] - peers["once"]) / saved).clip(lower=1)
    return result


def headline(rows: pd.DataFrame) -> str:
    """Say in a sentence how the sketch fares against the best of the others, for one output."""
    ours = rows[(rows["method"] == OURS) & rows["r2"].notna()]
    peers = rows[~rows["method"].str.startswith(OURS) & rows["r2"].notna()]
    if ours.empty or peers.empty:
        return ""
    sketch, best = ours.iloc[0], peers.loc[peers["r2"].idxmax()]
    start = f"The sketch costs {sketch['amortised']:,.0f} evaluations per sequence and has R² {sketch['r2']:.3f}"
    theirs = f"R² {best['r2']:.3f} for {best['amortised']:,.0f} evaluations"
    if best["r2"] > sketch["r2"]:
        return f"{start}; {METHODS[best['method']]} comes closer, with {theirs}."
    text = f"{start}; the closest of the other methods, {METHODS[best['method']]}, has {theirs}."
    if np.isfinite(first := peers["break_even"].max()):
        text += f" From {first:,.0f} sequences on, the sketch has cost less than any that asks for each sequence."
    return text
