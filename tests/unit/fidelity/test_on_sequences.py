"""Scores on the explained sequences: over all, by group, in the highest tenth, and where they are undefined.

Covers also: value_rows.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import rankdata

from oracles import all_codes
from shapsketch.explanation.refine import Effort, Refiner, Residual
from shapsketch.explanation.tables import error_table
from shapsketch.fidelity.on_sequences import _interval, report_on_queries
from shapsketch.report.analysis import (
    asked_in_words,
    by_group,
    cautions,
    lower_within,
)
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.basis import ProductBasis
from shapsketch.spectrum.metrics import r2_interval, r_squared
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms
from shapsketch.storage import parquet as tables
from shapsketch.storage.parquet import write_parquet


def scored(folder, predicted, reconstructed, groups=None, outputs=("y",)):
    """Scores of the same rows for each output, written in row groups of 100."""
    parts = [
        pa.table({"output": [o] * len(predicted), "prediction": pa.array(predicted, pa.float64(), from_pandas=True),
                  "reconstruction": np.asarray(reconstructed, float), "warning": [""] * len(predicted)})
        for o in outputs
    ]  # fmt: skip
    write_parquet(folder / "v", pa.concat_tables(parts))
    write_parquet(folder / "s", pa.table({"group": pa.array(groups or [""] * len(predicted), pa.string())}))
    return report_on_queries(folder / "v", None, folder / "s")


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 100)


@pytest.mark.parametrize(("unit", "offset"), [(1.0, 0.0), (2.0**-90, 0.0), (2.0**90, 0.0), (1.0, 2.0**36), (1e300, 0)])
def test_all_scores_against_plain_sums(tmp_path, unit, offset):
    rng = np.random.default_rng(0)
    y, noise = rng.integers(-999, 999, 1000) / 64.0, rng.integers(-99, 99, 1000) / 64.0
    groups = rng.choice(["", "decoy", "real"], 1000)
    y, fitted = unit * y + offset, unit * (y + noise) + offset
    found = scored(tmp_path, y, fitted, groups.tolist(), ("y", "z"))
    assert list(found) == ["y", "z"]
    assert found["y"] == found["z"]
    found = found["y"]
    assert found["r2_on_queries"] == pytest.approx(r_squared(y, fitted), rel=1e-9)
    for name, own in found["r2_by_group"].items():
        assert own["predicted"] == (groups == name).sum()
        assert own["r2"] == pytest.approx(r_squared(y[groups == name], fitted[groups == name]), rel=1e-9)
    assert list(found["r2_by_group"]) == ["decoy", "real"]
    top = rankdata(-y, method="min") <= 100
    assert found["highest_tenth"] == top.sum()
    assert found["r2_of_highest_tenth"] == pytest.approx(r_squared(y[top], fitted[top]), rel=1e-9)
    assert found["r2_interval"] == pytest.approx(r2_interval(y, fitted, 0), abs=0.02)


def test_real_sites_beside_decoys(tmp_path):
    """R2 is high over all, though among the real sites the spectrum has the order wrong."""
    real, decoys = np.linspace(1, 2, 20), np.linspace(-1, 0, 80)
    values = np.concatenate([real, decoys])
    fitted = np.concatenate([real[::-1], decoys])
    found = scored(tmp_path, values, fitted, ["real"] * 20 + ["decoy"] * 80)["y"]
    assert found["r2_on_queries"] > 0.8
    assert found["r2_by_group"]["real"]["r2"] == pytest.approx(-3.0)
    assert found["r2_by_group"]["decoy"]["r2"] == 1.0
    assert found["r2_of_highest_tenth"] < 0
    (sentence,) = lower_within(found)
    assert sentence.startswith("R2 is far lower within some of these sequences: ")
    assert "-3.000 within real (20)" in sentence
    assert "within the highest tenth (10)" in sentence
    assert "decoy" not in sentence
    assert by_group(found) == ["R2 by group: decoy 1.000 (80), real -3.000 (20)"]
    assert asked_in_words(found).endswith(" within the highest tenth")


@pytest.mark.parametrize(
    ("predicted", "reason"),
    [
        ([3.0, 3.0, 3.0], "the model's predictions on them are all the same"),
        ([3.0, None, None], "the model was asked about one of them only"),
        ([None, None, None], "the model was not asked about them"),
    ],
)
def test_an_undefined_score_is_said_in_words(tmp_path, predicted, reason):
    found = scored(tmp_path, predicted, [3.0, 3.1, 2.9])["y"]
    assert (found["r2_on_queries"], found["r2_interval"], found["r2_undefined"]) == (None, None, reason)
    told = " ".join(cautions(found, {"found": "found"}))
    assert (reason in told) == (predicted[0] is not None)
    assert asked_in_words(found) == ("" if predicted[0] is None else ", undefined on these sequences")
    assert "undefined" not in " ".join(cautions(found, {"found": "constant"}))


def test_a_group_without_variance_counts_as_failed(tmp_path):
    values = np.concatenate([np.zeros(10), np.arange(30.0)])
    found = scored(tmp_path, values, values, ["dead"] * 10 + ["alive"] * 30)["y"]
    assert found["r2_by_group"] == {"alive": {"predicted": 30, "r2": 1.0}, "dead": {"predicted": 10, "r2": None}}
    assert "undefined within dead (10)" in lower_within(found)[0]


def test_many_groups_are_counted(tmp_path):
    found = scored(tmp_path, np.arange(300.0), np.arange(300.0), [f"g{k:03d}" for k in range(300)])["y"]
    assert (len(found["r2_by_group"]), found["groups_left_out"]) == (200, 100)


def test_outputs_without_a_row_have_a_record(tmp_path):
    write_parquet(tmp_path / "v", pa.table({"output": pa.array([], pa.string())}))
    found = report_on_queries(tmp_path / "v", outputs=["y"])["y"]
    assert (found["sequences"], found["predicted"], found["r2_on_queries"]) == (0, 0, None)


def test_few_sequences_that_are_met_exactly_have_a_narrow_interval():
    y = np.array([0.0, 0.0, 1.0, 2.0])
    blocks = np.column_stack([np.ones(4), y, y**2, np.zeros(4)])
    assert _interval(blocks, 1.0) == [1.0, 1.0]
    blocks[:, 3] = 0.09
    assert _interval(blocks, 1.0)[0] == 0.0


def test_scores_on_queries(tmp_path):
    values = {"output": ["y"] * 4, "prediction": [1.0, 2.0, 3.0, None], "reconstruction": [1.0, 2.0, 3.5, 9.0]}
    write_parquet(tmp_path / "v", pa.table(values | {"warning": ["", "gap,rare", "gap", ""]}))
    errors = {"output": ["y"] * 4, "evaluations": [8, 8, 8, 0], "correction": [0.5, 0.5, 0.5, None]}
    errors |= {"pos_1": [0.3, 0.3, 0.3, None], "pos_2": [0.0, 0.0, 0.0, None]}
    write_parquet(tmp_path / "e", pa.table(errors))
    found = report_on_queries(tmp_path / "v", tmp_path / "e")["y"]
    assert found["r2_on_queries"] == pytest.approx(1 - 0.25 / 2)
    assert (found["sequences"], found["predicted"], found["largest_gap"]) == (4, 3, 0.5)
    assert found["warnings"] == {"rare": 1, "range": 0, "gap": 2, "r2": 0, "unseen": 0}
    assert (found["refined"], found["evaluations_per_sequence"]) == (3, 8)
    assert found["standard_error"] == pytest.approx(0.3)
    # Of four pairs the error holds Student's factor t / 1.96 = 1.6237, which is no part of the correction's noise.
    assert found["sketch_error"] == pytest.approx(np.sqrt(0.25 - (0.3 * 1.959964 / 3.182446) ** 2))


@dataclass(frozen=True)
class Planted:
    """A model that is some terms."""

    template: Template
    terms: Terms
    batch_size: int = 1024

    def __call__(self, codes):
        return self.terms.predict(self.template.to_local(codes))[:, None]


@pytest.mark.parametrize("evaluations", [4, 8, 16, 32])
def test_the_error_of_the_sketch_is_that_of_a_planted_residual(tmp_path, evaluations):
    """However few the evaluations: Student's t widens the errors of refined values, not their noise."""
    template = Template(Alphabet("ACGT"), "NNNNANN")
    background = Background.uniform(template)
    basis = ProductBasis.build(background, [(0, 1), (2, 3), (3, 5, 6)])
    residual = basis.to_terms(np.random.default_rng(0).normal(size=len(basis)))
    spectrum = Spectrum(background, "y", 0.0, Terms.build(template.sizes, {}))
    codes = all_codes(template.sizes)
    model = Planted(template, residual)
    refiner = Refiner(model, [spectrum], [Residual()], [None], Effort(evaluations))
    refined = refiner(codes, model(template.to_alphabet(codes)))
    names = pa.table({"sequence_id": [str(k) for k in range(len(codes))]})
    write_parquet(tmp_path / "e", error_table(spectrum, 0, names, refined))
    values = {"output": ["y"], "prediction": [0.0], "reconstruction": [0.0], "warning": [""]}
    write_parquet(tmp_path / "v", pa.table(values))
    found = report_on_queries(tmp_path / "v", tmp_path / "e")["y"]
    truth = residual.shapley_values(codes)[:, template.free]
    assert found["sketch_error"] == pytest.approx(np.sqrt((truth**2).mean()), rel=0.1)
