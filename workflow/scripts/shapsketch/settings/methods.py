"""The methods that explanations are compared with, by name: what each pays, and what comparing them takes.

Each is a module of `comparison`; nothing of that is imported here, so that whoever only names them stays light.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .records import CompareConfig

if TYPE_CHECKING:
    from ..sequences.template import Template

OURS = "shapsketch"
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
# Those that play games of coalitions, whose empty one is E f; so does `exact` where it draws.
PLAYING = frozenset({
    "kernel_shap", "leverage_shap", "poly_shap", "odd_shap", "regression_msr", "permutation_sampling", "shap_iq",
    "svarm_iq", "spex", "proxyspex", "proxy_shap", "tn_shap",
})  # fmt: skip
MEAN_DRAWS = 1000  # evaluations for E f, which all sequences of a run share
MIN_TRUTH_PAIRS = 64  # of permutations of each sequence, without which the truth's error is not known
MAX_PLAYERS = 14  # free positions whose coalitions are enumerated
MAX_SEQUENCES = 200_000  # of a template whose sequences are all evaluated


def is_enumerable(template: "Template") -> bool:
    """Whether all sequences of a template can be evaluated, and so `exact` is."""
    return len(template.free) <= MAX_PLAYERS and template.space <= MAX_SEQUENCES


def pays_once(name: str, template: "Template") -> bool:
    """Whether a method's evaluations are for any number of sequences."""
    return name in PAID_ONCE or (name == "exact" and is_enumerable(template))


def runs_of(name: str, template: "Template", evaluations: Sequence[int], once: int) -> list[int]:
    """Return the evaluations of each run of a method, of a sequence or in all; see `pays_once`.

    Args:
        name: of the method.
        template: decides the numbers of exact enumeration and of saturation mutagenesis.
        evaluations: of a sequence, of methods that pay for each.
        once: in all, of those that pay once.
    """
    if name == "saturation_mutagenesis":  # the sequence, and every other letter at each free position
        return [1 + int((template.sizes - 1).sum())]
    if pays_once(name, template):
        return [template.space if name == "exact" else once]
    return list(dict.fromkeys(evaluations))


def mean_draws(name: str, template: "Template") -> int:
    """Return the evaluations that each run of a method asks for E f, on top of its own."""
    plays = name in PLAYING or (name == "exact" and not is_enumerable(template))
    return MEAN_DRAWS if plays else 0


def truth_evaluations(settings: CompareConfig, template: "Template", sequences: int) -> int:
    """Return how many evaluations the true values of so many sequences take at most; of trees they take none."""
    if is_enumerable(template):
        return template.space
    least = MIN_TRUTH_PAIRS * (2 * len(template.free) - 1) + 1
    return sequences * max(settings["truth_evaluations"], least)


def most_evaluations(settings: CompareConfig, template: "Template", outputs: int, budget: int, sequences: int) -> int:
    """Return how many evaluations a comparison takes at most: its methods, their truth, and the curves that score them.

    Args:
        settings: `compare` of the config.
        template: of the model.
        outputs: of the model; methods explain one after another.
        budget: `sketch.budget`, of methods that pay once.
        sequences: how many the set has.
    """
    if not settings["enabled"]:
        return 0
    count, asked, runs = min(settings["sequences"], sequences), 0, 0
    for name in settings["methods"]:
        if name == "exact" and len(template.free) > MAX_PLAYERS:
            continue  # it says that it cannot
        given = runs_of(name, template, settings["evaluations"], budget)
        runs += len(given)
        if name != OURS:
            asked += sum(given) * (1 if pays_once(name, template) else count) + len(given) * mean_draws(name, template)
    curves = 2 * (len(template.free) + 1) * settings["curve_draws"] * count * runs  # of insertion and of deletion
    return truth_evaluations(settings, template, count) + outputs * (asked + curves)
