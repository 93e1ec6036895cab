"""Folds: the mean is explained, the spread is tabled, and an interval covers a held-out fold as often as it says."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from pages import unpack
from shapsketch.explanation.folds import by_output, fold_table, folds_schema, interval_factor, spread_table
from shapsketch.explanation.tables import predict_by_fold, predict_plain
from shapsketch.fidelity.on_sequences import median_spread
from shapsketch.models import Model, identity
from shapsketch.models.layouts import check_shape
from shapsketch.recovery import recover_outputs
from shapsketch.report.packing import Pack
from shapsketch.report.page_sequences import pack_sequences
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch, merge_shards, sample, sample_shard
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.rng import generator
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import complete, fold_sources, locate, named_files
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import load_spectra, save_spectra
from shapsketch.spectrum.tables import Explainer
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import save_npz
from shapsketch.storage.parquet import write_parquet

TEMPLATE = Template(Alphabet("ACGT"), "N{6}")
BACKGROUND = Background.uniform(TEMPLATE)
CODES = np.random.default_rng(0).integers(0, 4, (50, 6)).astype(np.uint8)
FOLD = """
import numpy as np
weights = np.random.default_rng({seed}).normal(size=(2, 6, 4)) + np.arange(24).reshape(6, 4) % 5
def predict(sequences):
    codes = np.array([["ACGT".index(a) for a in s] for s in sequences])
    first, second = weights[:, np.arange(6), codes].sum(2)
    return {{"first": np.exp(first / 10), "second": second}}
"""


def folds_of(folder, count=4, **keys):
    for seed in range(count):
        (folder / f"fold{seed}.py").write_text(FOLD.format(seed=seed))
    targets = [{"target": f"{folder}/fold{seed}.py:predict"} for seed in range(count)]
    return {"kind": "python", "folds": targets, **keys}


def test_a_model_is_the_mean_of_its_folds(tmp_path):
    source = folds_of(tmp_path, select={"y": {"of": "first", "transform": "log"}}, reverse_complement=True)
    model = Model(source, TEMPLATE, ["y"])
    alone = [Model(own, TEMPLATE, ["y"])(CODES) for own in fold_sources(source)]
    assert (model.by_fold(CODES) == np.stack(alone)).all()
    assert (model(CODES) == np.mean(alone, axis=0)).all()
    assert model.evaluations == 2 * len(CODES)
    assert [fold.evaluations for fold in model.folds] == [2 * len(CODES)] * 4
    text = TEMPLATE.alphabet.decode(CODES)
    assert (predict_by_fold(model, text).mean(0) == predict_plain(model, text)).all()
    one = Model(fold_sources(source)[0], TEMPLATE, ["y"])
    assert (one.by_fold(CODES) == one(CODES)[None]).all()


def test_folds_of_weights_beside_one_network(tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\ndef make():\n    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 1))\n"
    )
    paths = []
    for seed in range(3):
        torch.manual_seed(seed)
        paths.append(str(tmp_path / f"{seed}.pt"))
        torch.save(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 1)).state_dict(), paths[-1])
    source = {"kind": "torch", "factory": f"{tmp_path}/net.py:make", "layout": "channels_first", "folds": paths}
    values = Model(source, TEMPLATE, ["y"]).by_fold(CODES)
    assert values.shape == (3, 50, 1)
    assert np.ptp(values, axis=0).min() > 0
    assert named_files(source) == [f"{tmp_path}/net.py", *paths]
    assert locate(source, ["a.py", "x", "y", "z"]) == {**source, "factory": "a.py:make", "folds": ["x", "y", "z"]}
    assert not check_shape(source, TEMPLATE)
    before = identity(source)
    torch.save(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 1)).state_dict(), paths[1])
    assert identity(source)["files"] != before["files"]


def test_what_folds_need_belongs_to_the_model(tmp_path):
    source = folds_of(tmp_path, 2)
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "fold1.py").write_text("import helper\n" + FOLD.format(seed=1))
    assert complete(source)["files"] == [str(tmp_path / "helper.py")]


def test_the_sentence_names_the_fold_that_fails(tmp_path):
    source = folds_of(tmp_path)
    (tmp_path / "fold2.py").write_text("def predict(s):\n    return {'first': [float('nan')] * len(s)}\n")
    sentence = "The model .*fold2.py:predict returned nan in output 'first' for the sequence"
    with pytest.raises(InputError, match=sentence):
        Model(source, TEMPLATE, ["first"])(CODES)


@pytest.mark.parametrize("shards", [1, 3])
def test_each_query_is_asked_of_every_fold_and_kept(tmp_path, shards):
    source = folds_of(tmp_path)
    plan = make_plan(identity(source), ["first", "second"], BACKGROUND, budget=900, batch_size=64)
    paths = []
    for shard in range(1, shards + 1):
        paths.append(tmp_path / f"{shard}.npz")
        save_npz(paths[-1], sample_shard(plan, source, shard, shards))
    sketch = merge_shards(plan, paths)
    sketch.save(tmp_path / "sketch.npz")
    sketch = Sketch.load(tmp_path / "sketch.npz", plan)
    assert sketch.by_fold.shape == (900, 4, 2)
    assert (sketch.values == sketch.by_fold.mean(1)).all()
    model = Model(source, TEMPLATE, ["first", "second"])
    assert (model.by_fold(TEMPLATE.to_alphabet(sketch.codes)) == sketch.by_fold.swapaxes(0, 1)).all()
    folds = sketch.folds_as_outputs()
    assert folds.plan.outputs == (
        "first.1",
        "first.2",
        "first.3",
        "first.4",
        "second.1",
        "second.2",
        "second.3",
        "second.4",
    )
    assert (folds.values[:, 5] == sketch.by_fold[:, 1, 1]).all()
    again = sample_shard(plan, source, 1, shards, earlier=[paths[0]])
    assert (again["values"] == sketch.by_fold[: len(again["values"])]).all()


def test_the_table_of_folds(tmp_path):
    source = folds_of(tmp_path)
    plan = make_plan(identity(source), ["second"], BACKGROUND, budget=900, batch_size=64)
    sketch = sample(plan, source)
    mean = recover_outputs(sketch, estimator="regression")[0].spectrum
    spectra = [one.spectrum for one in recover_outputs(sketch.folds_as_outputs(), estimator="regression")]
    save_spectra(tmp_path / "folds.npz", spectra)
    folds = by_output(load_spectra(tmp_path / "folds.npz"))
    text = ["ACGTAC", "TTTTTT"]
    sequences = pa.table({"sequence_id": ["a", "b"], "sequence": text, "group": ["", ""]})
    values = Explainer(mean, Listing()).values(sequences, np.zeros(2), spread=np.array([1.0, 3.0]))
    assert values.column_names[2:4] == ["prediction", "prediction_sd"]
    write_parquet(tmp_path / "values.parquet", values)
    assert median_spread(tmp_path / "values.parquet", "second") == 2
    table = fold_table("second", folds["second"], sequences, values)
    assert table.schema == folds_schema(6)
    assert table["statistic"].to_pylist() == ["standard_deviation", "low", "high"] * 2
    weights = np.stack([np.random.default_rng(k).normal(size=(2, 6, 4))[1] for k in range(4)])
    weights += np.arange(24).reshape(6, 4) % 5
    own = (weights - weights.mean(2, keepdims=True))[:, np.arange(6), [0, 1, 2, 3, 0, 1]]
    rows = np.column_stack([table[f"pos_{i}"].to_numpy() for i in range(1, 7)])
    np.testing.assert_allclose(rows[0], own.std(0, ddof=1), atol=1e-5)
    reach = 3.182446305 * np.sqrt(5 / 4) * own.std(0, ddof=1)  # Student's t with three degrees of freedom
    np.testing.assert_allclose(rows[1], own.mean(0) - reach, atol=1e-4)
    np.testing.assert_allclose(rows[2], own.mean(0) + reach, atol=1e-4)


def test_what_all_folds_err_alike_widens_the_interval():
    """Folds that agree, of values that are not known: another fold's value lies within their standard errors."""
    places = [f"pos_{i}" for i in (1, 2)]
    values = pa.table({name: pa.array([1.0], pa.float32()) for name in places})
    alike, apart = np.ones((3, 1, 2)), np.array([0.9, 1.0, 1.1])[:, None, None] * np.ones((1, 2))
    reach = []
    for by_fold, errors in ((alike, 0.1), (apart, 0.0), (apart, np.array([[0.1, 0.2]]))):
        table = spread_table("y", ["a"], by_fold, values, errors).to_pandas()[places].to_numpy()
        assert table[0] == pytest.approx(by_fold.std(0, ddof=1)[0], abs=1e-6)  # what the folds differ by stays as it is
        reach.append((table[2] - table[1]) / 2)
    of_folds = 4.30265273 * np.sqrt(4 / 3) * 0.1  # Student's t with two degrees of freedom
    assert reach[0] == pytest.approx([0.195996398] * 2, abs=1e-6)
    assert reach[1] == pytest.approx([of_folds] * 2, abs=1e-6)
    assert reach[2] == pytest.approx(np.hypot(of_folds, [0.195996398, 0.391992796]), abs=1e-6)


def test_intervals_of_refined_values_hold_their_standard_errors():
    """Sequences that were not refined, whose errors are NaN, keep the interval of the folds alone."""
    rng, text = np.random.default_rng(4), ["ACGTAC", "RCGTAC"]
    spectra = [
        Spectrum(BACKGROUND, f"y.{k}", 0.0, Terms.build(TEMPLATE.sizes, {(i,): rng.normal(size=4) for i in range(6)}))
        for k in range(3)
    ]
    sequences = pa.table({"sequence_id": ["a", "b"], "sequence": text})
    values = pa.table({f"pos_{i}": pa.array([1.0, -1.0], pa.float32()) for i in range(1, 7)})
    errors = np.stack([rng.uniform(0.5, 2, 6), np.full(6, np.nan)])
    table = fold_table("y", spectra, sequences, values, errors)
    rows = np.column_stack([table[f"pos_{i}"].to_numpy() for i in range(1, 7)]).reshape(2, 3, 6)
    deviation, low, high = rows.swapaxes(0, 1)
    of_folds = interval_factor(3) * deviation
    assert (high - low)[0] / 2 == pytest.approx(np.hypot(of_folds[0], 1.959963985 * errors[0]), rel=1e-5)
    assert (high - low)[1] / 2 == pytest.approx(of_folds[1], rel=1e-5)
    assert (high + low) / 2 == pytest.approx(np.array([[1.0], [-1.0]]) * np.ones(6), abs=1e-5)


def test_the_page_has_the_intervals_as_bars(tmp_path):
    """Each output's rows are found, three for each sequence."""
    rng, positions = np.random.default_rng(2), [f"pos_{i}" for i in range(1, 7)]
    sequences = pa.table({"sequence_id": ["a", "b", "c"], "sequence": ["ACGTAC"] * 3, "group": [""] * 3})
    numbers, rows = {"reconstruction": np.zeros(6), "prediction": np.zeros(6), "base_value": np.zeros(6)}, []
    middle, reach = rng.normal(size=(6, 6)), rng.gamma(2, size=(6, 6))
    for centre, side in zip(middle, reach, strict=True):
        rows += [side / 3, centre - side, centre + side]
    columns = {name: middle[:, k].astype(np.float32) for k, name in enumerate(positions)}
    values = {"sequence_id": list("abcabc"), "output": ["y"] * 3 + ["z"] * 3, **numbers, "warning": [""] * 6, **columns}
    folds = {name: np.array(rows)[:, k].astype(np.float32) for k, name in enumerate(positions)}
    tables = {"sequences": sequences, "values": pa.table(values), "folds": pa.table(folds)}
    for name, table in tables.items():
        write_parquet(tmp_path / f"{name}.parquet", table)
    files = {name: str(tmp_path / f"{name}.parquet") for name in tables}
    pack, facts = pack_sequences(Pack(), files, ["y", "z"], None)
    assert facts["bars"] == "Bars hold the value of another fold of the model in 95 % of cases."
    arrays = unpack(pack.directory, pack.text())
    for k in range(2):
        shown = 1.96 * arrays[f"{k}/errors"].reshape(3, 6)
        np.testing.assert_allclose(shown, reach[3 * k : 3 * k + 3], rtol=0.05, atol=0.05)


def test_intervals_cover_another_fold_as_often_as_they_say():
    draws = generator(0, 77).normal(size=(20_000, 6))
    for folds in (2, 3, 5):
        seen, other = draws[:, :folds], draws[:, 5]
        reach = interval_factor(folds) * seen.std(1, ddof=1)
        assert np.mean(np.abs(other - seen.mean(1)) <= reach) == pytest.approx(0.95, abs=0.006)


def network(seed, codes, values):
    """A small network trained on four fifths of some values."""
    torch.manual_seed(seed)
    rows = np.random.default_rng(seed).permutation(len(codes))[: len(codes) * 4 // 5]
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
    x = torch.nn.functional.one_hot(torch.from_numpy(codes[rows].astype(np.int64)), 4).float()
    y = torch.from_numpy(values[rows]).float()[:, None]
    optimiser = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(module(x), y).backward()
        optimiser.step()
    return module


def test_intervals_cover_the_shapley_values_of_a_network_that_was_held_out(tmp_path):
    """Of eight networks, five make an interval at a time; all 4,096 sequences are asked, so no estimate adds to it."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, (300, 6)).astype(np.uint8)
    values = rng.normal(size=(6, 4))[np.arange(6), codes].sum(1) + 2 * ((codes[:, 1] == 2) & (codes[:, 4] == 3))
    values += rng.normal(size=300)
    networks = [network(seed, codes, values) for seed in range(8)]
    plan = make_plan({}, ["y"], BACKGROUND, budget=4096, batch_size=4096)
    asked = plan.queries(0, plan.size)
    x = torch.nn.functional.one_hot(torch.from_numpy(asked.astype(np.int64)), 4).float()
    with torch.no_grad():
        answers = np.stack([module(x).double().numpy() for module in networks], 1)
    spectra = [one.spectrum for one in recover_outputs(Sketch.of_answers(plan, asked, answers).folds_as_outputs())]
    text = TEMPLATE.alphabet.decode(rng.integers(0, 4, (200, 6)).astype(np.uint8))
    shapley = np.stack([spectrum.shapley_values(text) for spectrum in spectra])
    covered = []
    for held in range(8):
        seen = shapley[[(held + k) % 8 for k in range(1, 6)]]
        reach = interval_factor(5) * seen.std(0, ddof=1)
        covered.append(np.abs(shapley[held] - seen.mean(0)) <= reach)
    assert 0.92 < np.mean(covered) < 0.98
