"""The front door: what a notebook does, and the examples in its docstrings."""

import doctest

import lightgbm as lgb
import numpy as np
import pytest

import shapsketch
from shapsketch import front_door
from shapsketch.settings.errors import InputError


def model(sequences):
    return [s.count("A") + 2.0 * (s[1] == "G" and s[4] == "T") for s in sequences]


def test_the_examples_run():
    found = doctest.testmod(front_door)
    assert found.attempted > 3
    assert found.failed == 0


def test_names_are_all_there():
    for name in shapsketch.__all__:
        assert getattr(shapsketch, name)


@pytest.mark.parametrize("budget", [1000, 4096])
def test_a_function_becomes_a_spectrum(budget):
    spectrum = shapsketch.sketch(model, "NNNNNN", budget)
    scores = spectrum.provenance["faithfulness"]
    assert scores["evaluations"] <= budget
    assert scores["r2"] > 0.999
    sequences = ["AGCCTC", "TTTTTT"]
    np.testing.assert_allclose(spectrum.predict(sequences), model(sequences), atol=0.05)
    np.testing.assert_allclose(spectrum.shapley_values(["AGCCTC"])[0, 0], 0.75, atol=0.02)


def test_several_outputs_and_sources_as_in_a_config(tmp_path):
    (tmp_path / "two.py").write_text("def f(s): return [[t.count('A'), t.count('C')] for t in s]")
    source = {"kind": "python", "target": f"{tmp_path}/two.py:f"}
    spectra = shapsketch.sketch_outputs(source, "NNNN", 256, outputs=["a", "c"])
    assert list(spectra) == ["a", "c"]
    np.testing.assert_allclose(spectra["c"].predict(["CCCA"]), [3.0], atol=1e-9)
    with pytest.raises(InputError, match=r"shape \(256, 2\)"):
        shapsketch.sketch(source, "NNNN", 256)


def test_tables_are_those_of_the_spectrum():
    spectrum = shapsketch.sketch(model, "NNNNNN", 4096)
    explained = spectrum.explain(iter(["AGCCTC", "TTTTTT"]), max_order=2)
    values = explained.values[[f"pos_{i}" for i in range(1, 7)]].to_numpy()
    np.testing.assert_allclose(values, spectrum.shapley_values(["AGCCTC", "TTTTTT"]), atol=1e-6)
    np.testing.assert_allclose(
        values.sum(1), explained.values["reconstruction"] - explained.values["base_value"], atol=1e-5
    )
    listed = spectrum.interactions(["AGCCTC", "TTTTTT"], max_order=2)
    assert explained.interactions["value"].tolist() == listed["value"].tolist()
    means = explained.aggregates.query("index == 'SV'").set_index("positions")["mean"]
    np.testing.assert_allclose(means.loc["1"], values[:, 0].mean(), atol=1e-6)


def test_figures_are_drawn(tmp_path):
    spectrum = shapsketch.sketch(model, "NNNNNN", 4096)
    figure = shapsketch.sequence_figure(spectrum, "AGCCTC")
    above = figure.axes[0]
    assert len(above.patches) == len(spectrum.interactions(["AGCCTC"]))
    assert shapsketch.contribution_logo(spectrum, ["AGCCTC", "TTTTTT"]).axes


def test_a_model_is_looked_at_first():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="answers the same batch differently"):
        shapsketch.sketch(lambda s: rng.normal(size=len(s)), "NNNNNNNN", 1000)

    def by_batch(sequences):
        values = np.array(model(sequences))
        return values - values.mean()

    with pytest.raises(InputError, match="other ones in another batch"):
        shapsketch.sketch(by_batch, "NNNNNNNN", 1000)
    asked = []
    spectrum = shapsketch.sketch(lambda s: asked.extend(s) or model(s), "NNNNNNNN", 1000)
    assert len(asked) == spectrum.provenance["faithfulness"]["evaluations"] == 1000


def test_tables_and_trees_are_sources_too(tmp_path):
    rows = [f"{a}{b},{(a == 'A') + 2 * (b == 'C')}" for a in "ACGT" for b in "ACGT"]
    (tmp_path / "t.csv").write_text("\n".join(["sequence,value", *rows]))
    spectrum = shapsketch.sketch({"kind": "table", "path": str(tmp_path / "t.csv")}, "NN")
    np.testing.assert_allclose(spectrum.predict(["AC", "GT"]), [3, 0], atol=1e-9)
    x = np.eye(4)[np.random.default_rng(1).integers(0, 4, (500, 3))].reshape(500, 12)
    booster = lgb.train({"verbose": -1}, lgb.Dataset(x, x[:, 0] + 2 * x[:, 5] * x[:, 10]), 20)
    booster.save_model(tmp_path / "m.txt")
    trees = shapsketch.sketch({"kind": "trees", "path": str(tmp_path / "m.txt"), "layout": "flat"}, "NNN")
    onehot = np.eye(4)[[[0, 1, 2]]].reshape(1, 12)
    np.testing.assert_allclose(trees.predict(["ACG"]), booster.predict(onehot), atol=1e-9)


def test_sequences_come_in_any_dress():
    spectrum = shapsketch.sketch(model, "NNNNNN", 4096)
    upper, lower = (shapsketch.contribution_logo(spectrum, s) for s in (["AGCCTC"], iter(["agccuc"])))
    drawn = [[tuple(p.get_extents().bounds) for p in f.axes[0].patches] for f in (upper, lower)]
    assert drawn[0] == drawn[1] != []
    assert shapsketch.sequence_figure(spectrum, "agccuc").axes[1].patches
    ambiguous = spectrum.explain(["NGCCTC"])
    assert ambiguous.values["pos_1"].item() == 0.0
    counted = shapsketch.sketch(
        model, "NNNNNN", 1000, background={"from_sequences": {}}, background_sequences=["agccuc", "AACCTC"]
    )
    assert counted.background.probabilities[0, 0] == 0.5  # two of two, and a pseudocount of one for each letter


def test_outputs_are_made_of_an_answer_as_in_the_config():
    def counts(sequences):
        """(N, letters, 2): how often each letter is in a sequence, and twice that."""
        once = np.array([[s.count(letter) for letter in "ACGT"] for s in sequences], float)
        return np.stack([once, 2 * once], 2)

    outputs = {"g": {"select": {1: 2, 2: 1}}, "strong": {"select": ["1:3", 0], "reduce": "sum"}}
    spectra = shapsketch.sketch_outputs(counts, "N{4}", 256, outputs=outputs)
    assert spectra["g"].predict(["GGAC", "TTTT"]) == pytest.approx([4, 0])
    assert spectra["strong"].predict(["GGAC", "TTTT"]) == pytest.approx([3, 0])
    with pytest.raises(InputError, match="kind builtin has no outputs to choose from"):
        source = {"kind": "builtin", "function": "microhomology"}
        shapsketch.sketch_outputs(source, "N{8}", 100, outputs=outputs)


def never(sequences):
    pytest.fail("the model was asked")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"estimator": "ridge"}, r"The estimator 'ridge' is not one of auto, exact, fourier"),
        ({"estimator": "fourier", "design": "random"}, r"which the design random does not serve; it serves regression"),
        ({"estimator": "exact"}, r"which the design \w+ does not serve"),
        ({"design": "fourier", "budget": 200}, r"which needs at least \d+ lattice queries"),
        ({"max_order": 0}, r"max_order is 0; give a whole number of at least 1, or None\."),
        ({"max_order": 1.5}, r"max_order is 1\.5; give"),
        ({"near": ["ACGTACGTAC"], "near_share": 1}, r"near_share is 1; give a share of the budget above 0 and below 1"),
        ({"near": ["ACGTACGTAC"], "near_share": float("nan")}, r"near_share is nan"),
        ({"background": "from_sequences", "counted": ["ACGTACGTAC", "ACG"]}, r"sequence 2 has 3 letters; the template"),
        ({"background": "from_sequences", "counted": []}, r"background_sequences has no sequence"),
        ({"background": "markov", "counted": ["ACGTA", "ACG"]}, r"sequence 2 has 3 letters; the first one has 5\."),
        ({"background": "markov", "counted": ["ACGTA", "ACNTA"]}, r"sequence 2 has 'N' at position 3; a Markov chain"),
    ],
)
def test_arguments_are_refused_before_the_model_is_asked(settings, sentence):
    counted = settings.pop("counted", None)
    if counted is not None:
        settings = {"background": {settings["background"]: {}}, "background_sequences": counted}
    with pytest.raises(InputError, match=sentence):
        shapsketch.sketch(never, "N{10}", **{"budget": 1000} | settings)


def test_a_chain_counts_sequences_of_any_length():
    settings = {"background": {"markov": {}}, "background_sequences": ["ACGACGACGACG"]}
    spectrum = shapsketch.sketch(lambda sequences: [1.0] * len(sequences), "N{4}", 1000, **settings)
    assert spectrum.background.transitions[0, 0, 1] == 5 / 8  # four of four, and a pseudocount of one for each letter
