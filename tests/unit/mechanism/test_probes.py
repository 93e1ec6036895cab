"""Probes of few labels."""

import numpy as np
import planted
import pytest

from shapsketch.mechanism import latents, probes
from shapsketch.settings.errors import InputError


def test_a_probe_learns_a_planted_feature_from_few_labels(network, letters):
    dictionary, codes = planted.exact_dictionary(network), letters
    labels = network.predict(codes)[:, 0]
    coded = latents.Coded.of(network, dictionary, [], codes)
    features = {
        "latents": np.concatenate([probes.pool(z) for z in coded.latents], 1),
        "onehot": probes.onehot(codes, 4),
        "composition": probes.composition(codes, 4),
    }
    held = np.arange(len(codes)) % 2 == 0
    sizes = probes.affordable([24, 96, 10_000], int((~held).sum()), "t.csv: probe.p.labels")
    rows = probes.probe(features, labels, held, sizes, 6, 0)
    assert {row["labels"] for row in rows} == {24, 96}
    by = {(row["labels"], row["features"]): row for row in rows}
    assert by[96, "latents"]["score"] > 0.95
    assert by[96, "composition"]["gain_low"] > 0.0
    assert by[96, "onehot"]["gain"] > 0
    layers = [dictionary.names()[:2], dictionary.names()[2:]]
    names = [f"{kind} of {name}" for layer in layers for kind in ("mean", "max") for name in layer]
    assert probes.strongest(features["latents"], labels, names, 2)[0][0].startswith("mean")


def test_ridge_and_scores_are_right():
    draws = np.random.default_rng(0)
    x = draws.standard_normal((60, 5))
    y = x @ [1.0, -2, 0, 0, 3] + 7
    weights, intercept = probes.fit_ridge(x, y)
    assert np.allclose(weights, [1, -2, 0, 0, 3], atol=1e-2)
    assert np.isclose(intercept, 7, atol=1e-2)
    assert probes.score(np.array([3.0, 2, 1]), np.array([30.0, 20, 10]), False) == pytest.approx(1)
    assert probes.score(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0, 1, 1]), True) == 0.75


def test_logistic_probes_are_those_of_least_loss():
    from scipy.optimize import minimize

    draws = np.random.default_rng(1)
    x = draws.standard_normal((80, 3)) * [1, 5, 0.1]
    y = (x @ [2.0, -0.2, 0] + draws.standard_normal(80) > 0).astype(float)
    standard = (x - x.mean(0)) / x.std(0)
    u, s, vt = np.linalg.svd(standard, full_matrices=False)
    z, ridge = np.column_stack([u * s, np.ones(80)]), np.array([2.0, 2, 2, 0])
    weights, inverse = probes._newton(z, y, ridge, np.zeros(4))

    def loss(w, kept=slice(None)):
        scores = np.column_stack([standard, np.ones(80)])[kept] @ w
        return np.logaddexp(0, np.where(y[kept] > 0, -scores, scores)).sum() + (w[:3] ** 2).sum()

    reference = minimize(loss, np.zeros(4), tol=1e-12).x
    assert np.allclose(vt.T @ weights[:3], reference[:3], atol=1e-4)
    assert np.isclose(weights[3], reference[3], atol=1e-4)
    # what is said of a label that is left out is nearly what a fit without it says
    p = 1 / (1 + np.exp(-(z @ weights)))
    leverage = np.einsum("ij,jk,ik->i", z, inverse, z)
    guessed = z @ weights + leverage / (1 - p * (1 - p) * leverage) * (p - y)
    for k in (0, 17, 42):
        kept = np.arange(80) != k
        without = minimize(loss, reference, args=(kept,), tol=1e-12).x
        assert np.isclose(guessed[k], np.append(standard[k], 1) @ without, atol=0.05)
    weights, intercept = probes.fit_logistic(x, y * 3 - 1)  # classes by any two numbers
    assert probes.score(x @ weights + intercept, y, True) > 0.85
    apart, _ = probes.fit_logistic(np.arange(10.0)[:, None], (np.arange(10) > 4).astype(float))
    assert np.isfinite(apart).all()  # classes that are apart have no largest likelihood, but a penalised one


def test_ranks_of_equal_numbers_are_their_mean():
    from scipy.stats import rankdata

    values = np.random.default_rng(0).integers(0, 9, 50).astype(float)
    assert np.array_equal(probes.ranks(values), rankdata(values))


def test_proteingyms_tables_are_read_as_they_are(tmp_path):
    table = tmp_path / "assay.csv"
    table.write_text(
        "mutant,mutated_sequence,DMS_score,DMS_score_bin\nA1C,CAAAAA,0.5,1\nA1G,GAAAAA,-1.5,0\nA1T,TAAAAA,,1\n"
    )
    numbers = probes.read_labels(table, planted.TEMPLATE, "DMS_score")
    assert numbers.values[:, 0].tolist() == [0.5, -1.5]
    assert numbers.left_out["row"].tolist() == [3]
    classes = probes.read_labels(table, planted.TEMPLATE, "DMS_score_bin").values[:, 0]
    assert probes.choose_fit("auto", classes, "x") == (probes.fit_logistic, "logistic")
    assert probes.choose_fit("auto", numbers.values[:, 0], "x")[1] == "logistic"  # two rows, two values
    assert probes.choose_fit("ridge", classes, "x")[1] == "ridge"
    assert probes.choose_fit("auto", np.arange(3.0), "x")[1] == "ridge"
    with pytest.raises(InputError, match="has 3 different labels, and model: logistic needs two"):
        probes.choose_fit("logistic", np.arange(3.0), "x.csv, column 'y',")
    with pytest.raises(InputError, match="has the label 1 throughout"):
        probes.choose_fit("auto", np.ones(3), "x.csv, column 'y',")
    table.write_text("mutant,score\nA1C,0.5\n")
    with pytest.raises(InputError, match="needs a column sequence, or mutated_sequence as in ProteinGym's tables"):
        probes.read_labels(table, planted.TEMPLATE, "score")


def test_a_table_of_too_few_sequences_is_refused():
    with pytest.raises(InputError, match=r"^t.csv: probe.p.labels asks for 24 or more, and 18 sequences are left"):
        probes.affordable([96, 24], 18, "t.csv: probe.p.labels")
