"""The benchmark's models reproduce the predictions of the originals."""

from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from benchmarks import truth
from benchmarks.reference_models import MODELS, load
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.spectrum.spectrum import Spectrum

CELLS = ("HEK293T", "Tcells", "HepG2")


@pytest.mark.parametrize(
    ("name", "dtype", "columns", "tolerance"),
    [
        ("deepspcas9", "float32", ["score_tf"], 1e-4),
        ("deepspcas9", "float64", ["score_float64"], 1e-6),
        ("optimus5p_multioutput", "float32", [f"MRL_{cell}_tf" for cell in CELLS], 1e-5),
        ("optimus5p_multioutput", "float64", [f"MRL_{cell}_float64" for cell in CELLS], 1e-6),
        ("nn4dms_gb1", "float32", ["gb1_cnn"], 3e-5),
        ("nn4dms_gb1", "float64", ["gb1_cnn"], 1.6e-5),
        ("sprout", "float64", ["frac_mutant_ins", "frac_total_del", "diversity"], 1.5e-6),
    ],
)
def test_published_models_reproduce_their_reference_predictions(shared, name, dtype, columns, tolerance):
    """To the tolerance that each folder's README names."""
    table = pd.read_csv(shared / name / "reference_predictions.csv")
    model = load(name, dtype)
    values = model(model.template.alphabet.encode(table.sequence.tolist()))
    np.testing.assert_allclose(values, table[columns], atol=tolerance, rtol=0)


def test_bpnet_gives_its_predictions_by_config_alone(shared):
    table = pd.read_csv(shared / "bpnet_ctcf/reference_predictions.csv")
    source = {
        "kind": "torch", "architecture": "bpnet", "path": str(shared / "bpnet_ctcf/bpnet_ctcf_weights.npz"),
        "layout": "channels_first", "axes": {"profile": [{"strand": ["plus", "minus"]}, "position"]},
        "select": {
            "counts": {"of": "counts"},
            "logit": {"of": "profile", "select": {"strand": "plus", "position": 500}},
            "share": {"of": "profile", "select": [0, 266], "reduce": "softmax_share", "transform": "log"},
        },
    }  # fmt: skip
    model = Model(source, Template(Alphabet("ACGT"), "N{2114}"), tuple(source["select"]))
    values = model(model.template.alphabet.encode(table.sequence.tolist()))
    np.testing.assert_allclose(values[:, :2], table[["log_counts", "plus_logit_500"]], atol=1e-5, rtol=0)
    assert (values[:, 2] < 0).all()


def test_sprout_has_its_exact_terms(shared):
    model = MODELS["sprout"]()
    values = model.evaluate(model.explained)[:, 0]
    differences = values - model.exact[0].predict(model.explained)
    assert np.ptp(differences) < 1e-6  # what is left is the mean


@pytest.mark.parametrize("name", ["guide_cnn", "gb1_complete", "gb1_measured", "gb1_network", "sparse", "sparse_noisy"])
def test_models_answer_what_their_plans_ask(shared, name):
    model = MODELS[name]()
    plan = model.plan(min(model.budgets[0], 200_000 if model.design == "fourier" else 1000))
    codes = model.queries(plan)[:50]
    values = model.ask(codes)
    assert values.shape == (50, len(model.outputs))
    assert np.isfinite(values).all()
    assert (model.ask(codes) == values).all()
    assert np.allclose(values, model.evaluate(codes), atol=6 * model.noise)
    assert (model.explained < model.template.sizes).all()


class Control(NamedTuple):
    """What recovery returns once estimators train students."""

    spectrum: Spectrum
    details: dict
    student: SimpleNamespace


@pytest.mark.parametrize("with_student", [False, True])
def test_simulated_truth_agrees_with_the_exact_one(shared, tmp_path, monkeypatch, with_student):
    model = replace(MODELS["sprout"](), control_budget=2000)
    student = SimpleNamespace(
        predict=lambda codes, threads: model.evaluate(codes)[:, 0] + 0.02 * (codes[:, 3] == codes[:, 9])
    )
    if with_student:
        recovered = [Control(*recovery[:2], student) for recovery in truth._controls(model, 2000, model.control)]
        monkeypatch.setattr(truth, "_controls", lambda *arguments: recovered)
    exact = truth.shapley_truth(model, tmp_path, 0.05)
    unknown = replace(model, exact=())
    simulated = truth.shapley_truth(unknown, tmp_path, 0.05)
    assert (exact.errors == 0).all()
    assert simulated.errors[0] < 0.05
    missed = np.sqrt(np.mean((simulated.values - exact.values) ** 2)) / exact.values.std()
    assert 0.7 * simulated.errors[0] < missed < 1.3 * simulated.errors[0]
    assert (truth.shapley_truth(unknown, tmp_path, 0.05).values == simulated.values).all()  # from the cache
