"""The benchmark's own arithmetic: hold-outs, the table, and what becomes of shapzero's coefficients."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import recovery
from benchmarks.recovery_figure import draw
from benchmarks.reference_model import ReferenceModel
from benchmarks.result_files import merge_results, read_results
from benchmarks.shapzero_peer import _spectrum, obstacle
from oracles import all_codes
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "NNGN")
ALL = all_codes([4, 4, 1, 4])


def model_of(rows=None):
    return ReferenceModel(
        "toy", TEMPLATE, ("y",), lambda codes: codes.sum(1, keepdims=True).astype(float), (10,), ALL, rows=rows
    )


def test_holdouts_are_fresh_and_distinct():
    asked = ALL[::2]
    holdout = recovery._holdout(model_of(), asked, 40)
    assert not recovery._contains(asked, holdout).any()
    assert len(np.unique(holdout, axis=0)) == len(holdout)
    assert recovery._contains(ALL, holdout).all()


def test_near_holdouts_lie_between_the_explained_sequences_and_the_background():
    model = replace(model_of(), explained=ALL[:1])
    near, asked = recovery._near_holdout(model, ALL[:0], 20), recovery._holdout(model, ALL[:0], 20)
    same = [(codes == ALL[0])[:, TEMPLATE.free].mean() for codes in (near, asked)]
    assert same[0] > same[1] + 0.1
    assert not recovery._contains(near[:5], recovery._near_holdout(model, near[:5], 20)).any()


def test_the_holdout_of_a_table_is_the_rest_of_it():
    rows = ALL[5:60]
    holdout = recovery._holdout(model_of(rows), rows[:20], 3)
    assert (holdout == rows[20:]).all()
    assert "lacks" in obstacle(model_of(rows)) or "missing" in obstacle(model_of(rows))


def test_shapzero_is_taken_at_its_word():
    """The spectrum is the real part of the sum of its coefficients, whether or not pairs are complete."""
    rng = np.random.default_rng(0)
    frequencies = np.array([[0, 0, 0], [1, 0, 0], [3, 0, 0], [0, 2, 1], [1, 2, 3]])
    values = rng.normal(size=5) + 1j * rng.normal(size=5)
    found = {"frequencies": frequencies, "values": values, "mean": np.array(2.5)}
    spectrum = _spectrum(model_of(), 0, found)
    expected = 2.5 + np.real(np.exp(2j * np.pi / 4 * (ALL[:, TEMPLATE.free] @ frequencies.T)) @ values)
    np.testing.assert_allclose(spectrum.intercept + spectrum.terms.predict(ALL), expected, atol=1e-12)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "recovery.tsv"
    rows = [
        {
            "model": "toy",
            "output": "y",
            "budget": 10,
            "near": 0.0,
            "estimator": "auto",
            "evaluations": 10,
            "r2": 0.5,
            "note": "",
        },
        {
            "model": "toy",
            "output": "y",
            "budget": 10,
            "near": 0.0,
            "estimator": "shapzero",
            "evaluations": 30,
            "note": "timed out",
        },
        {
            "model": "toy",
            "output": "y",
            "budget": 10,
            "near": 0.0,
            "estimator": "auto",
            "evaluations": 10,
            "r2": 0.7,
            "note": "",
        },
    ]
    for row in rows:
        merge_results(path, [row], recovery.KEY, recovery.COLUMNS, "make benchmark-recovery")
    return read_results(path)


def test_a_run_that_is_repeated_takes_its_old_place(table):
    assert list(table.columns) == [*recovery.COLUMNS, "commit", "machine"]
    assert table.estimator.tolist() == ["auto", "shapzero"]
    assert table.r2.tolist()[0] == 0.7
    assert np.isnan(table.r2.tolist()[1])


def test_the_figure_is_drawn_in_both_forms(table, tmp_path):
    draw(table, tmp_path / "figure")
    assert (tmp_path / "figure.png").read_bytes()[1:4] == b"PNG"
    assert "timed out" in (tmp_path / "figure.svg").read_text()
