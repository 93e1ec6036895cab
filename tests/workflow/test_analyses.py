"""Whole analyses of other kinds: the embedded one, tables, trees, downloads, modules, budgets that stop early."""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest

from shapsketch.spectrum.spectrum import Spectrum
from workflow.helpers import MODEL, ROOT, Workspace


def test_the_embedded_analysis(tmp_path):
    """The default config, as `make run` runs it, in a folder of its own."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("config", "resources"):
        (folder / name).symlink_to(ROOT / name)
    workspace = object.__new__(Workspace)
    workspace.folder = folder
    workspace.run()
    results = folder / "results/guide_cnn"
    scores = json.loads((results / "spectrum/faithfulness.json").read_text())["activity"]
    assert scores["evaluations"] <= 30_000
    assert scores["r2"] > 0.98
    for queries, count in (("egfp", 119), ("hbb", 72)):
        assert len(pd.read_parquet(results / queries / "shapley_values.parquet")) == count
        assert json.loads((results / queries / "faithfulness.json").read_text())["activity"]["r2_on_queries"] > 0.95
    contributions = pd.read_csv(results / "egfp/motifs/contributions.tsv", sep="\t")
    best = contributions.loc[contributions["mean"].idxmax()]
    assert (best["position"], best["letter"]) == (24, "G")  # G next to the PAM: guide position 20
    assert '"names":["egfp","hbb"]' in (folder / "results/comparison.html").read_text()
    memory = [pd.read_csv(p, sep="\t")["max_rss"].max() for p in (folder / "benchmarks").rglob("*.tsv")]
    assert max(memory) < 2000


def test_two_models_never_share_anything(tmp_path):
    """The other is the mean of two folds, and has a spectrum of each; its values are refined."""
    workspace = Workspace(tmp_path / "run")
    for name, factor in (("half", -0.5), ("more", -1.5)):
        workspace.write(f"{name}.py", MODEL.replace('s.count("T")]', f'{factor} * s.count("T")]'))
    model = {
        "source": {"kind": "python", "folds": [{"target": f"{name}.py:predict"} for name in ("half", "more")]},
        "alphabet": "DNA", "template": "NNNNNNNN", "outputs": ["g", "t"],
        "sketch": {"budget": 500, "batch_size": 100, "shards": 1},
        "recovery": {"estimator": "regression", "max_order": 1},
    }  # fmt: skip
    workspace.configure(
        explain__refine={"evaluations_per_sequence": 8},
        models__twin=model,
        models__tiny__sketch__budget=500,
        models__tiny__sketch__shards=1,
    )
    workspace.run("results/tiny/spectrum/spectrum.npz", "results/twin/some/shapley_folds.parquet")
    folder = workspace.folder / "results"
    plans = [json.loads((folder / m / "sketch/plan.json").read_text()) for m in ("tiny", "twin")]
    assert plans[0]["hash"] != plans[1]["hash"]
    ours, theirs = (Spectrum.load(folder / m / "spectrum/spectrum.npz", "t") for m in ("tiny", "twin"))
    assert ours.predict(["TTTTAAAA"]) == pytest.approx(-theirs.predict(["TTTTAAAA"]), abs=1e-6)
    values, folds = (pd.read_parquet(folder / f"twin/some/shapley_{name}.parquet") for name in ("values", "folds"))
    assert values.loc[values["output"] == "t", "prediction_sd"].max() > 0.5
    assert (values.loc[values["output"] == "g", "prediction_sd"] == 0).all()
    assert len(folds) == 3 * len(values)
    errors = pd.read_parquet(folder / "twin/some/shapley_errors.parquet").query("output == 'g'").filter(like="pos_")
    deviation, low, high = (
        folds.query("output == 'g' and statistic == @name").filter(like="pos_").to_numpy()
        for name in ("standard_deviation", "low", "high")
    )
    assert deviation.max() < 1e-6  # the folds agree on G, and both miss the pair
    assert errors.to_numpy().min() > 0
    np.testing.assert_allclose((high - low) / 2, 1.959964 * errors.to_numpy(), rtol=1e-4, atol=1e-5)
    summary = json.loads((folder / "twin/some/faithfulness.json").read_text())["t"]
    assert (summary["folds"], len(summary["fold_r2"])) == (2, 2)


def test_tables_are_sketched_without_a_model(tmp_path):
    workspace = Workspace(tmp_path / "run")
    rows = ["sequence,g,t"]
    letters = "ACGT"
    for k in range(4**4):
        s = "".join(letters[k // 4**i % 4] for i in range(4)) + "ACGT"
        rows.append(f"{s},{s.count('G') + 2 * (s[0] == 'G' and s[2] == 'T')},{s.count('T')}")
    workspace.write("table.csv", "\n".join(rows))
    workspace.write("some.fa", ">a\nGATTACGT\n")
    workspace.configure(models__tiny__source={"kind": "table", "path": "table.csv"}, models__tiny__template="NNNNACGT")
    workspace.run("results/tiny/some/shapley_values.parquet")
    values = pd.read_parquet(workspace.folder / "results/tiny/some/shapley_values.parquet")
    assert values["reconstruction"].tolist() == pytest.approx([4, 3])
    assert values["prediction"].isna().all()
    scores = json.loads((workspace.folder / "results/tiny/spectrum/faithfulness.json").read_text())
    assert scores["g"]["estimator"] == "exact"


def test_trees_are_expanded_without_a_sketch(tmp_path):
    import lightgbm as lgb

    workspace = Workspace(tmp_path / "run")
    codes = np.random.default_rng(0).integers(0, 4, (2000, 8))
    x = np.eye(4)[codes].reshape(len(codes), -1)
    y = (codes == 2).sum(1) + 2.0 * ((codes[:, 2] == 2) & (codes[:, 4] == 3))
    settings = {"objective": "regression", "num_leaves": 15, "verbosity": -1, "num_threads": 1}
    lgb.train(settings, lgb.Dataset(x, y), 60).save_model(workspace.folder / "trees.txt")
    predictions = lgb.Booster(model_file=workspace.folder / "trees.txt").predict(x[:20])
    rows = [f"{''.join('ACGT'[k] for k in code)},{y}" for code, y in zip(codes, predictions, strict=False)]
    workspace.write("reference.csv", "\n".join(["sequence,g", *rows]))
    source = {"kind": "trees", "path": "trees.txt", "reference": "reference.csv"}
    workspace.configure(models__tiny__source=source | {"layout": "channels_first"}, models__tiny__outputs=["g"])
    refused = workspace.run(check=False)
    assert "does not give the values of reference.csv" in refused.stderr
    assert "with layout: flat it gives them." in refused.stderr
    workspace.configure(models__tiny__source=source | {"layout": "flat"})
    planned = workspace.planned()
    assert planned["expand_trees"] == planned["check_model"] == 1
    assert not {"plan_sketch", "sample_sketch", "merge_sketch", "recover_spectrum"} & planned.keys()
    output = workspace.run().stdout
    assert "5 sequences explained from 1000 evaluations by exact trees; R2 1.000" in output
    folder = workspace.folder / "results/tiny"
    values = pd.read_parquet(folder / "some/shapley_values.parquet")
    assert (values["prediction"] - values["reconstruction"]).abs().max() < 1e-9
    points = pd.read_csv(folder / "spectrum/holdout.tsv", sep="\t")
    assert len(points) == 1000 and (points["model"] - points["spectrum"]).abs().max() < 1e-6
    assert pd.read_csv(folder / "some/motifs/motifs.tsv", sep="\t").iloc[0]["consensus"] == "GnT"


def test_models_are_downloaded_and_checked(tmp_path):
    import hashlib

    workspace = Workspace(tmp_path / "run")
    workspace.write("far.csv", "sequence,g\n" + "\n".join(f"ACGTAC{a}{b},1" for a in "ACGT" for b in "ACGT"))
    data = (workspace.folder / "far.csv").read_bytes()
    source = {"kind": "table", "url": (workspace.folder / "far.csv").as_uri(), "sha256": "0" * 64}
    workspace.configure(models__tiny__source=source, models__tiny__template="ACGTACNN", models__tiny__outputs=["g"])
    target = "resources/models/tiny/far.csv"
    done = workspace.run(target, "--retries", "0", check=False)
    assert done.returncode != 0
    assert f"has the SHA-256 {hashlib.sha256(data).hexdigest()}, but {'0' * 64} was declared" in done.stderr
    assert not (workspace.folder / target).exists()
    workspace.configure(models__tiny__source__sha256=hashlib.sha256(data).hexdigest())
    workspace.run("results/tiny/spectrum/spectrum.npz")
    assert (workspace.folder / target).read_bytes() == data


def test_the_workflow_runs_as_a_module(tmp_path):
    workspace = Workspace(tmp_path / "run")
    workspace.write(
        "Snakefile",
        f"""
configfile: "config/config.yaml"
module shapsketch:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: config
use rule * from shapsketch as explained_*
rule mine:
    default_target: True
    input: "results/tiny/spectrum/spectrum.npz"
""",
    )
    command = [*workspace.command()]
    command[command.index("-s") + 1] = str(workspace.folder / "Snakefile")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (workspace.folder / "results/tiny/spectrum/spectrum.npz").exists()


def test_sampling_stops_when_the_spectrum_is_good_enough(tmp_path):
    workspace = Workspace(tmp_path / "run")
    workspace.configure(models__tiny__sketch__budget={"max": 16_000, "until_r2": 0.99})
    assert workspace.planned()["sample_sketch"] == 2 * 5
    curve = "results/tiny/spectrum/learning_curve.tsv"
    workspace.run(curve)
    scores = json.loads((workspace.folder / "results/tiny/spectrum/faithfulness.json").read_text())
    asked = pd.read_csv(workspace.folder / curve, sep="\t").groupby("output")["evaluations"].max()
    assert scores["g"]["evaluations"] == asked["g"] <= 4_000
    assert scores["g"]["r2"] > 0.99
    workspace.configure(models__tiny__sketch__budget={"max": 16_000, "until_r2": 1.5})
    failed = workspace.run(check=False)
    assert "models.tiny.sketch.budget" in failed.stderr


def test_queries_near_the_sequences_under_a_markov_chain(tmp_path):
    workspace = Workspace(tmp_path / "run")
    chain = {"markov": {"from_sequences": "some", "pseudocount": 2}}
    workspace.write("others.fa", ">f\nGGGATTCA\n>g\nTTGGACCA\n")
    workspace.write("reference.csv", "sequence,g,t\nACGTTACG,4,2\nAAAAAAAA,0,0\n")
    workspace.configure(
        sequences__others={"path": "others.fa"},
        models__tiny__source__reference="reference.csv",
        models__tiny__background=chain,
        models__tiny__sketch={"budget": 2000, "shards": 2, "near": {"sequences": ["some", "others"], "share": 0.3}},
        models__tiny__recovery={"estimator": "train_alone", "minutes": 0.05},
    )
    workspace.run("results/tiny/some/report.html")
    folder = workspace.folder / "results/tiny"
    plan = json.loads((folder / "sketch/plan.json").read_text())
    assert {"near", "near_holdout", "near_validation"} <= set(plan["rounds"][0])
    assert np.allclose(np.sum(plan["transitions"], 2), 1)
    scores = json.loads((folder / "spectrum/faithfulness.json").read_text())["g"]
    assert scores["r2_near"] > 0.95
    assert scores["accuracy_gap"] == {}
    values = pd.read_parquet(folder / "some/shapley_values.parquet")
    columns = [f"pos_{i}" for i in range(1, 9)]
    total = values[columns].sum(axis=1) + values["base_value"]
    assert total.tolist() == pytest.approx(values["reconstruction"].tolist(), abs=1e-6)
    inputs = json.loads((folder / "some/provenance.json").read_text())["inputs"]
    assert {"some.fa", "others.fa", "reference.csv", "model.py"} <= inputs.keys()  # a repeated run finds all of them
    page = (folder / "some/report.html").read_text()
    assert "ackground is a Markov chain" in page
    assert "pairs of neighbouring letters in the sequences some" in page
