"""How methods are scored, and what their comparison with the sketch says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from baseline_cases import TEMPLATE, task_of
from shapsketch.comparison import explain
from shapsketch.comparison.analysis import choose_sequences
from shapsketch.comparison.registry import break_even, headline
from shapsketch.comparison.scoring import Scorer, agreement
from shapsketch.comparison.table import Comparison
from shapsketch.comparison.truth import enumerated_truth
from shapsketch.figures.charts import cost_chart, total_cost_chart
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms


@pytest.fixture(scope="module")
def known():
    task = task_of(200)
    return task, Scorer(enumerated_truth([task_of(10), task_of(10)]), 1, 16, 0)


def test_scores_of_the_truth_and_of_its_opposite(known):
    task, scorer = known
    exact = explain("exact", task_of(10))
    best, worst = scorer(task, exact), scorer(task, replace(exact, values=-exact.values))
    assert best["r2"] == best["pearson"] == best["spearman"] == best["pair_recall"] == pytest.approx((1.0, 1.0, 1.0))
    assert worst["pearson"][0] == pytest.approx(-1)
    assert worst["r2"][0] < 0
    assert best["insertion"][0] > best["deletion"][0]
    assert best["insertion"][0] > worst["insertion"][0]
    assert best["deletion"][0] < worst["deletion"][0]


def test_agreement_is_the_textbooks():
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(40, 6))
    values = 0.8 * truth + 0.3 * rng.normal(size=truth.shape)
    scores = agreement(values, truth, rng.multinomial(40, np.ones(40) / 40, 500).astype(float))
    frame = pd.DataFrame({"v": values.ravel(), "t": truth.ravel()})
    assert scores["pearson"][0] == pytest.approx(frame.corr().iloc[0, 1])
    assert scores["spearman"][0] == pytest.approx(frame.corr("spearman").iloc[0, 1])
    assert scores["r2"][0] == pytest.approx(1 - ((values - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
    assert all(low < score < high for score, low, high in scores.values())


def test_the_table_goes_on_where_a_method_cannot(known):
    task = replace(task_of(600), sketch=None)
    tasks = [replace(task, output=0), task]
    comparison = Comparison(
        tasks, known[1].truth, ["shapsketch", "exact", "proxyspex", "monte_carlo"], [30, 100], 50, 2
    )
    done = []
    table = comparison(lambda: done.append(1))
    assert len(done) == len(table) == 2 * 6
    own = table[table["output"] == "y"].set_index(["method", "evaluations"])
    assert own.loc[("shapsketch", 600), "r2"] == pytest.approx(1)
    assert own.loc[("shapsketch", 600), "amortised"] == 512 / 50
    assert own.loc[("proxyspex", 30), "note"].startswith("ProxySPEX needs at least 32")
    assert np.isnan(own.loc[("proxyspex", 30), "r2"])
    cost = own.loc[("monte_carlo", 100), "each"]
    assert own.loc[("monte_carlo", 100), "break_even"] == np.ceil(512 / cost)
    assert own.loc[("monte_carlo", 100), "compared"] == 3


def test_break_even_and_its_sentence():
    columns = ["method", "once", "each", "amortised", "r2"]
    rows = [
        ("shapsketch", 10_000, 0, 100, 0.95),
        ("kernel_shap", 1000, 300, 310, 0.5),
        ("shap_iq", 1000, 3000, 3010, 0.99),
        ("spex", np.nan, np.nan, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=columns)
    table["break_even"] = break_even(table)
    assert table["break_even"].fillna(-1).tolist() == [-1, 30, -1, -1]
    assert "SHAP-IQ comes closer, with R² 0.990 for 3,010 evaluations" in headline(table)
    fewer = table.drop(2)
    assert "KernelSHAP, has R² 0.500 for 310 evaluations" in headline(fewer)
    assert "From 30 sequences on" in headline(fewer)
    assert headline(table.iloc[:1]) == ""


def test_the_chart_names_the_methods_that_answered():
    columns = ["method", "evaluations", "once", "each", "amortised", "r2", "r2_low", "r2_high"]
    rows = [("shapsketch", 9000, 9000, 0, 9, 0.99, 0.98, 0.995), ("kernel_shap", 64, 1000, 64, 65, -3, -5, 0.1),
            ("spex", 64, *[np.nan] * 6)]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    names = [text.get_text() for text in cost_chart(table, "some").axes[0].get_legend().get_texts()]
    assert names == ["shapsketch", "KernelSHAP"]
    axes = total_cost_chart(table, "some", most=1000).axes[0]
    assert [line.get_label() for line in axes.lines] == ["shapsketch (R² 0.99)", "KernelSHAP (R² -3.00)"]
    assert [line.get_ydata()[-1] for line in axes.lines] == [9000, 1000 + 64 * 1000]


def test_sequences_are_chosen_evenly_and_once():
    spectrum = Spectrum(Background.uniform(TEMPLATE), "y", 0.0, Terms.build(TEMPLATE.sizes, {}))
    sequences = ["AAGAAA", "AAGAAA", "ANGAAA", "CCGCGC", "TTGTAT", "GGGGGG"]
    codes = choose_sequences(spectrum, sequences, 3)
    assert TEMPLATE.to_alphabet(codes)[:, 0].tolist() == [0, 1, 2]
    assert len(choose_sequences(spectrum, sequences, 10)) == 4
    with pytest.raises(InputError, match="without ambiguous letters"):
        choose_sequences(spectrum, ["NAGAAA"], 3)
