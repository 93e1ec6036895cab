"""Models: the counting and checking adapter, identities, what misbehaves.

Covers also: callable_model, python_model.
"""

import numpy as np
import pandas as pd
import pytest
from function_cases import CODE, TEMPLATE, python

from shapsketch.models import Model, identity
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


def test_python_functions_of_strings_and_of_codes(code):
    x = TEMPLATE.alphabet.encode(["GGTTT", "ACGTA"])
    model = Model(python(code, "strings"), TEMPLATE, ["g", "t"], batch_size=1)
    assert model(x).tolist() == [[2, 3], [1, 1]]
    assert model.evaluations == 2
    assert Model(python(code, "codes", "codes"), TEMPLATE, ["g"])(x).tolist() == [[2], [1]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nan", "returned nan in output 'y' for the sequence TACGT"),
        ("short", "returned 0 rows for 1 sequences, of which the first is ACGTA"),
        ("strings", r"shape \(2, 2\) for 2 sequences"),
        ("raises", r"raised RuntimeError \(out of luck\) on the sequence ACGTA"),
        ("text", r"returned text \(high\); numbers are needed"),
        ("absent", "has no function 'absent'"),
    ],
)
def test_models_that_misbehave(code, name, message):
    with pytest.raises(InputError, match=message) as caught:
        Model(python(code, name), TEMPLATE, ["y"])(TEMPLATE.alphabet.encode(["ACGTA", "TACGT"]))
    assert "\n" not in str(caught.value)


def test_the_first_sequence_that_a_model_cannot_take_is_named(code):
    codes = np.random.default_rng(0).integers(0, 3, (40, 5)).astype(np.uint8)
    codes[[23, 31]] = 3
    with pytest.raises(InputError, match=r"raised ValueError \(five T\) on the sequence TTTTT"):
        Model(python(code, "dislikes"), TEMPLATE, ["y"])(codes)
    with pytest.raises(InputError, match="returned 0 rows for 1 sequences, of which the first is TTTTT"):
        Model(python(code, "loses"), TEMPLATE, ["y"])(codes)


def test_a_batch_that_runs_out_of_memory_is_halved_once_and_for_all(code):
    codes = np.random.default_rng(0).integers(0, 4, (250, 5)).astype(np.uint8)
    model = Model(python(code, "hungry"), TEMPLATE, ["y"], batch_size=100)
    assert (model(codes)[:, 0] == (codes == 2).sum(1)).all()
    assert model.evaluations == 250
    sizes = list(map(int, (code.parent / "model.py.sizes").read_text().split()))
    assert sizes[:3] == [100, 50, 25]
    assert max(sizes[3:]) <= 20
    with pytest.raises(InputError, match="ran out of memory on the sequence AAAAA"):
        Model(python(code, "starving"), TEMPLATE, ["y"])(0 * codes)


def test_models_that_take_fewer_sequences_than_a_batch(code):
    assert Model(python(code, "pairs"), TEMPLATE, ["y"])(np.zeros((8, 5), np.uint8))[:, 0].tolist() == [1, 2] * 4


def test_missing_models(tmp_path):
    for source in (
        {"kind": "torch", "path": str(tmp_path / "no.pt2"), "layout": "flat", "dtype": "float32"},
        python(tmp_path / "no.py", "f"),
        {"kind": "table", "path": str(tmp_path / "no.csv")},
    ):
        with pytest.raises(InputError, match="does not exist"):
            Model(source, TEMPLATE, ["y"])
    with pytest.raises(InputError, match="'prophet' is not one of torch"):
        Model({"kind": "prophet"}, TEMPLATE, ["y"])


def test_identity_follows_the_content(code):
    before = identity(python(code, "strings"))
    code.write_text(CODE + "\n# changed\n")
    assert identity(python(code, "strings"))["files"] != before["files"]


def test_the_embedded_model_reproduces_its_reference(root):
    folder = root / "resources/models/guide_cnn"
    reference = pd.read_csv(folder / "reference_predictions.csv")
    template = Template(Alphabet("ACGT"), "N" * 25 + "GG" + "NNN")
    source = {"kind": "torch", "path": str(folder / "model.pt2"), "layout": "channels_first", "dtype": "float32"}
    model = Model(source, template, ["activity"])
    values = model(template.alphabet.encode(reference["sequence"].tolist()))
    assert np.abs(values[:, 0] - reference.iloc[:, 1]).max() < 1e-5


def test_the_embedded_model_has_the_held_out_score_its_card_reports(root, shared):
    import json

    from scipy.stats import spearmanr

    folder = root / "resources/models/guide_cnn"
    metrics = json.loads((folder / "metrics.json").read_text())["held_out"]
    table = pd.read_csv(shared / "azimuth/azimuth.csv")
    table = table[table["gene"].isin(metrics["genes"])]
    template = Template(Alphabet("ACGT"), "N" * 25 + "GG" + "NNN")
    source = {"kind": "torch", "path": str(folder / "model.pt2"), "layout": "channels_first", "dtype": "float32"}
    values = Model(source, template, ["activity"])(template.alphabet.encode(table["sequence"].tolist()))
    assert len(table) == metrics["n"]
    assert spearmanr(values[:, 0], table["activity"]).statistic == pytest.approx(metrics["pooled_spearman"], abs=1e-3)
