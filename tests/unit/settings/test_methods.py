"""What comparing with other methods takes, counted before it begins."""

from baseline_cases import task_of
from shapsketch.comparison import method
from shapsketch.comparison.table import Comparison
from shapsketch.comparison.truth import enumerated_truth
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.methods import METHODS, mean_draws, most_evaluations, pays_once, runs_of

DNA = Alphabet("ACGT")
SETTINGS = {
    "enabled": True, "methods": ["shapsketch", "shapsketch_refined", "kernel_shap", "shapzero"], "sequences": 12,
    "evaluations": [100, 200], "truth_evaluations": 1000, "truth_error": 0.05, "curve_draws": 8,
}  # fmt: skip


def test_a_comparison_counts_methods_truth_and_curves():
    template = Template(DNA, "N" * 20 + "GG")
    runs = 1 + 2 + 2 + 1  # at each number of evaluations, or once
    curves = 2 * 21 * 8 * 5 * runs
    most = most_evaluations(SETTINGS, template, 2, 20_000, 5)
    truth = 64 * 39 + 1  # of each sequence: fewer pairs of permutations would not tell its error
    assert most == 5 * truth + 2 * (5 * 300 * 2 + 2 * 1000 + 20_000 + curves)  # E f for each run of KernelSHAP
    more = {**SETTINGS, "truth_evaluations": 4000}
    assert most_evaluations(more, template, 2, 20_000, 5) == most + 5 * (4000 - truth)
    assert most_evaluations({**SETTINGS, "curve_draws": 0}, template, 2, 20_000, 5) == most - 2 * curves
    assert most_evaluations({**SETTINGS, "enabled": False}, template, 2, 20_000, 5) == 0


def test_methods_whose_evaluations_the_template_decides():
    few, many = Template(DNA, "NNNNRG"), Template(DNA, "N" * 20)
    assert runs_of("saturation_mutagenesis", few, [100, 200], 5) == [1 + 4 * 3 + 1]
    assert runs_of("exact", few, [100, 200], 5) == [4**4 * 2]
    assert runs_of("exact", Template(DNA, "N" * 12), [100, 200], 5) == [100, 200]  # coalitions, of drawn letters
    assert pays_once("exact", few) and not pays_once("exact", Template(DNA, "N" * 12))
    alone, truth = {**SETTINGS, "methods": ["saturation_mutagenesis"], "curve_draws": 0}, 512
    assert most_evaluations(alone, few, 3, 1000, 5) == truth + 3 * 5 * 14
    assert most_evaluations({**alone, "methods": ["exact"]}, few, 3, 1000, 5) == truth + 3 * 512
    assert most_evaluations({**alone, "methods": ["exact"]}, many, 3, 1000, 5) == 5 * (64 * 39 + 1)


def test_what_is_counted_is_what_is_asked():
    """The truth too, and E f of each run."""
    task, names = task_of(200), ["monte_carlo", "exact", "kernel_shap", "permutation_sampling"]
    sequences = len(task.codes)
    Comparison([task], enumerated_truth([task]), names, [100, 200], sequences, 8)()
    most = most_evaluations({**SETTINGS, "methods": names}, task.background.template, 1, 1000, sequences)
    assert 0.95 * most < task.model.evaluations <= most


def test_methods_that_play_are_known():
    """Those that explain by `game.play` are all that import it, or what does."""
    for name in METHODS:
        plays = any(hasattr(method(name), helper) for helper in ("play", "approximate", "sample_interactions"))
        assert plays == (mean_draws(name, Template(DNA, "NNNN")) > 0), name
