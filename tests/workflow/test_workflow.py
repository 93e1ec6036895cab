"""The workflow as a person runs it: results, what makes them stale, faults, mistakes."""

import json
import os
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from shapsketch.spectrum import Spectrum
from workflow.helpers import MODEL, ROOT, SEQUENCES, Workspace, environment


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run in 2 shards; tests copy it before they change anything."""
    workspace = Workspace(tmp_path_factory.mktemp("runs") / "finished run é")  # spaces and letters beyond ASCII
    workspace.output = workspace.run().stdout
    return workspace


@pytest.fixture
def copy(finished, tmp_path):
    return finished.copy(tmp_path / "copy")


def test_the_run_tells_what_it_found(finished):
    assert "tiny x some" in finished.output
    assert "5 sequences explained from 3000 evaluations" in finished.output
    assert "open results/tiny/some/report.html" in finished.output


def test_files_and_columns_are_those_of_the_contract(finished):
    folder = finished.folder / "results/tiny"
    values = pd.read_parquet(folder / "some/shapley_values.parquet")
    positions = [f"pos_{i}" for i in range(1, 9)]
    assert list(values.columns) == [
        "sequence_id", "output", "prediction", "reconstruction", "gap", "base_value", "warning", *positions,
    ]  # fmt: skip
    assert values["output"].tolist() == ["g"] * 5 + ["t"] * 5
    assert values["sequence_id"].tolist() == list("abcde") * 2
    assert (values[positions].dtypes == "float32").all()
    gap = values[positions].sum(axis=1) + values["base_value"] - values["reconstruction"]
    assert gap.abs().max() < 1e-5
    assert (values["prediction"] - values["reconstruction"]).abs().max() < 1e-6
    tsv = pd.read_csv(folder / "some/shapley_values.tsv.gz", sep="\t")
    assert list(tsv.columns) == list(values.columns)
    interactions = pq.read_table(folder / "some/interactions.parquet").to_pandas()
    best = interactions[(interactions["output"] == "g") & (interactions["sequence_id"] == "b")].iloc[0]
    assert (best["index"], best["order"], best["positions"], best["letters"]) == ("FSII", 2, "3,5", "GT")
    assert best["value"] == pytest.approx(2 * 9 / 16, abs=1e-3)
    scores = json.loads((folder / "spectrum/faithfulness.json").read_text())
    assert scores["g"]["evaluations"] == 3000
    assert scores["g"]["r2"] > 0.999
    assert {"estimator", "r2_interval", "r2_by_order", "variance_by_order", "seconds", "seed"} <= set(scores["g"])
    queries = json.loads((folder / "some/faithfulness.json").read_text())
    assert queries["t"]["r2_on_queries"] > 0.999
    motifs = pd.read_csv(folder / "some/motifs/motifs.tsv", sep="\t")
    assert motifs.iloc[0]["consensus"] == "GnT"
    assert (folder / "some/motifs/logos/g.M1.svg").exists()
    page = (folder / "some/report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )


def test_a_spectrum_from_the_workflow_explains_in_a_notebook(finished):
    spectrum = Spectrum.load(finished.folder / "results/tiny/spectrum/spectrum.npz", "g")
    assert spectrum.predict(["AAGATAAA", "CCCCCCCC"]) == pytest.approx([3, 0], abs=1e-3)


def test_every_rule_logs_and_is_measured(finished):
    for folder, ending in (("logs", ".log"), ("benchmarks", ".tsv")):
        files = list((finished.folder / folder).rglob(f"*{ending}"))
        assert len(files) == 12, files
    memory = [pd.read_csv(p, sep="\t")["max_rss"].max() for p in (finished.folder / "benchmarks").rglob("*.tsv")]
    assert max(pd.to_numeric(memory, errors="coerce")) < 2000


SPECTRUM = "results/tiny/spectrum/spectrum.npz"
VALUES = "results/tiny/some/shapley_values.parquet"


@pytest.mark.parametrize(("shards", "targets"), [(1, [VALUES]), (3, []), (16, [VALUES])])
def test_results_do_not_depend_on_the_number_of_shards(finished, tmp_path, shards, targets):
    workspace = Workspace(tmp_path / "run")
    workspace.configure(models__tiny__sketch__shards=shards, explain__shards=min(shards, 3))
    workspace.run(*targets)
    assert workspace.hashes().items() <= finished.hashes().items()
    assert len(workspace.hashes()) == (6 if targets else 10)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_goes_on_where_it_was(finished, tmp_path, how):
    workspace = Workspace(tmp_path / "run")
    workspace.configure(models__tiny__sketch__shards=3)
    process = subprocess.Popen(
        workspace.command(SPECTRUM), env=environment(TINY_MODEL_SECONDS="0.4"), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    shards = workspace.folder / "results/tiny/sketch/shards"
    deadline = time.monotonic() + 120
    logs = workspace.folder / "logs/tiny/sample_sketch"
    while len(list(logs.glob("*.log"))) < 3 and time.monotonic() < deadline:  # the last begins when one is done
        time.sleep(0.05)
    done = {p.name: p.stat().st_mtime_ns for p in shards.glob("[0-9]*.npz")}
    os.killpg(process.pid, how)
    process.wait(timeout=120)
    assert done
    assert not (workspace.folder / "results/tiny/sketch/sketch.npz").exists()
    if how == signal.SIGKILL:
        workspace.run("--unlock")
    workspace.run(SPECTRUM, "--rerun-incomplete")
    assert workspace.hashes().items() <= finished.hashes().items()
    assert any((shards / name).stat().st_mtime_ns == written for name, written in done.items())  # not sampled again


def test_the_root_snakefile_has_work_to_do(tmp_path):
    workspace = Workspace(tmp_path / "run")
    planned = workspace.planned()
    assert planned["sample_sketch"] == 2
    assert sum(planned.values()) >= 11
    text = workspace.run("--dry-run", snakefile="workflow/Snakefile").stdout
    assert "sample_sketch" in text


def test_nothing_is_left_to_do_after_a_run(finished):
    assert finished.planned() == {}


SAMPLING = {"plan_sketch", "sample_sketch", "merge_sketch", "recover_spectrum"}


def test_other_sequences_are_explained_without_sampling(copy):
    copy.write("some.fa", SEQUENCES + ">f\nACGTACGT\n")
    planned = copy.planned()
    assert "explain_sequences" in planned
    assert not SAMPLING & set(planned)


def test_motif_settings_do_not_explain_again(copy):
    copy.configure(motifs__count=2)
    planned = set(copy.planned())
    assert "aggregate_motifs" in planned
    assert not (SAMPLING | {"explain_sequences", "merge_explanations", "prepare_sequences"}) & planned


def test_explanation_settings_do_not_sample_again(copy):
    copy.configure(explain__top_k=3)
    planned = set(copy.planned())
    assert "explain_sequences" in planned
    assert not SAMPLING & planned


@pytest.mark.parametrize(
    "changes",
    [
        {"models__tiny__alphabet": "ACTG"},
        {"models__tiny__template": "NNNNNNNR"},
        {"models__tiny__sketch__seed": 1},
        {"models__tiny__sketch__budget": 2000},
        {"models__tiny__background": {"frequencies": {"A": 2, "C": 1, "G": 1, "T": 1}}},
        {"models__tiny__source": {"kind": "python", "target": "model.py:shape"}},
    ],
)
def test_what_changes_the_sketch_makes_a_new_one(copy, changes):
    copy.configure(**changes)
    assert copy.planned().keys() >= SAMPLING


def test_a_changed_model_file_makes_a_new_sketch(copy):
    copy.write("model.py", MODEL.replace("2 * (s[2]", "3 * (s[2]"))
    assert copy.planned().keys() >= SAMPLING
    before = copy.hashes()
    copy.run("results/tiny/sketch/sketch.npz")
    after = copy.hashes()
    assert before["tiny/sketch/sketch.npz"] != after["tiny/sketch/sketch.npz"]


def test_more_shards_do_not_change_the_plan(copy):
    copy.configure(models__tiny__sketch__shards=5)
    assert "plan_sketch" not in copy.planned()


def test_two_models_never_share_anything(tmp_path):
    workspace = Workspace(tmp_path / "run")
    twin = MODEL.replace('s.count("T")]', '-s.count("T")]')
    workspace.write("other.py", twin)
    model = {
        "source": {"kind": "python", "target": "other.py:predict"},
        "alphabet": "DNA", "template": "NNNNNNNN", "outputs": ["g", "t"],
        "sketch": {"budget": 500, "batch_size": 100, "shards": 1},
    }  # fmt: skip
    workspace.configure(models__twin=model, models__tiny__sketch__budget=500, models__tiny__sketch__shards=1)
    workspace.run("results/tiny/spectrum/spectrum.npz", "results/twin/spectrum/spectrum.npz")
    folder = workspace.folder / "results"
    plans = [json.loads((folder / m / "sketch/plan.json").read_text()) for m in ("tiny", "twin")]
    assert plans[0]["hash"] != plans[1]["hash"]
    ours, theirs = (Spectrum.load(folder / m / "spectrum/spectrum.npz", "t") for m in ("tiny", "twin"))
    assert ours.predict(["TTTTAAAA"]) == pytest.approx(-theirs.predict(["TTTTAAAA"]), abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "files", "target", "sentence"),
    [
        ({}, {"some.fa": ">a\nACGTTAC\n"}, "some/sequences.parquet", "record 1 ('a') has 7 letters"),
        ({}, {"some.fa": ">a\nACGTTACZ\n"}, "some/sequences.parquet", "has 'Z' at position 8; the alphabet is ACGT"),
        ({}, {"some.fa": ""}, "some/sequences.parquet", "some.fa holds no sequences"),
        ({}, {"some.fa": SEQUENCES * 2}, "some/sequences.parquet", "records 1 and 6 are both named 'a'"),
        ({}, {"some.fa": ">a\nACGTTACN\n"}, "some/sequences.parquet", "an ambiguous letter"),
        ({"models__tiny__sketch__bugdet": 1}, {}, "some/sequences.parquet", "did you mean 'budget'?"),
        (
            {"models__tiny__source__target": "none.py:f"},
            {},
            "sketch/plan.json",
            "none.py of models.tiny.source",
        ),
        (
            {"models__tiny__source__target": "model.py:nan"},
            {},
            "sketch/shards/1-of-2.npz",
            "nan in output 'g'",
        ),
        ({"models__tiny__source__target": "model.py:shape"}, {}, "sketch/shards/1-of-2.npz", "of shape (100, 1)"),
        (
            {"models__tiny__source__target": "model.py:raises"},
            {},
            "sketch/shards/1-of-2.npz",
            "(no such luck)",
        ),
        ({"models__tiny__template": "NNNNZNNN"}, {}, "sketch/plan.json", "has 'Z' at position 5"),
        (
            {
                "explain__refine": {"evaluations_per_sequence": 8},
                "models__tiny__source": {"kind": "table", "path": "t.csv"},
            },
            {"t.csv": "sequence\n"},
            "some/sequences.parquet",
            "sets explain.refine, which asks the model, but models.tiny is a table",
        ),
        ({"models__tiny__sketch__budget": 50}, {}, "sketch/plan.json", "A budget of 50 evaluations is too small"),
    ],
)
def test_mistakes_end_the_run_with_a_sentence(tmp_path, changes, files, target, sentence):
    workspace = Workspace(tmp_path / "run")
    workspace.configure(**changes)
    for name, text in files.items():
        workspace.write(name, text)
    done = workspace.run(f"results/tiny/{target}", "--retries", "0", check=False)
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if sentence in line]
    assert lines, done.stdout + done.stderr
    assert not (workspace.folder / "results/tiny" / target).exists()
    assert not workspace.leftovers()
    assert "Traceback" not in done.stdout + done.stderr


def test_ambiguous_sequences_can_be_resolved(copy):
    copy.configure(sequences__some={"path": "some.fa", "ambiguous": "resolve"})
    copy.write("some.fa", SEQUENCES + ">f\nNNNNNNNN\n>g\nACGTTACS\n")
    copy.run(VALUES)
    values = pd.read_parquet(copy.folder / "results/tiny/some/shapley_values.parquet")
    row = values[(values["sequence_id"] == "f") & (values["output"] == "g")].iloc[0]
    assert abs(row["reconstruction"] - row["base_value"]) < 1e-9
    assert pd.isna(row["prediction"])


def test_values_are_refined_with_standard_errors(copy, tmp_path):
    """Two ways to divide the work, one set of bytes; groups and hypothetical contributions on the way."""
    rows = ["id,sequence,tissue", *(f"r{k},{s},{'xy'[k % 2]}" for k, s in enumerate(["ACGTTACG", "TTGATCCA"] * 125))]
    copy.write("some.csv", "\n".join(rows))
    copy.configure(
        explain__refine={"evaluations_per_sequence": 12}, explain__hypothetical=True, explain__indices=["k-SII", "BV"],
        sequences__some={"path": "some.csv", "group": "tissue"},
    )  # fmt: skip
    other = copy.copy(tmp_path / "other")
    other.configure(explain__shards=3)
    copy.run()
    other.run(VALUES)
    folder = copy.folder / "results/tiny/some"
    for name in ("shapley_values", "shapley_errors", "interactions", "aggregates"):
        assert (folder / f"{name}.parquet").read_bytes() == (
            other.folder / f"results/tiny/some/{name}.parquet"
        ).read_bytes()
    values, errors = (pd.read_parquet(folder / f"shapley_{name}.parquet") for name in ("values", "errors"))
    positions = [f"pos_{i}" for i in range(1, 9)]
    assert (values[positions].sum(axis=1) + values["base_value"] - values["prediction"]).abs().max() < 1e-5
    assert list(errors.columns) == ["sequence_id", "output", "evaluations", "correction", *positions]
    assert (errors["evaluations"] == 12).all()
    twins = values[values["output"] == "g"].groupby(values["sequence_id"].str[1:].astype(int) % 2)[positions].nunique()
    assert (twins == 1).all().all()  # the same sequence has the same samples
    aggregates = pd.read_parquet(folder / "aggregates.parquet")
    assert set(aggregates["group"].dropna()) == {"x", "y"}
    assert set(aggregates["index"]) == {"SV", "k-SII", "BV"}
    scores = json.loads((folder / "faithfulness.json").read_text())["g"]
    assert scores["refined"] == 250
    assert scores["standard_error"] < 0.01  # the sketch is nearly exact
    assert "evaluations per sequence: standard error" in (folder / "summary.txt").read_text()
    pair = [np.load(folder / f"hypothetical/{name}.npz", allow_pickle=False)["arr_0"] for name in ("g", "onehot")]
    assert pair[0].shape == pair[1].shape == (250, 4, 8)


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
    workspace.run(VALUES)
    values = pd.read_parquet(workspace.folder / "results/tiny/some/shapley_values.parquet")
    assert values["reconstruction"].tolist() == pytest.approx([4, 3])
    assert values["prediction"].isna().all()
    scores = json.loads((workspace.folder / "results/tiny/spectrum/faithfulness.json").read_text())
    assert scores["g"]["estimator"] == "exact"


def test_trees_are_expanded_without_a_sketch(tmp_path):
    import lightgbm as lgb
    import numpy as np

    workspace = Workspace(tmp_path / "run")
    codes = np.random.default_rng(0).integers(0, 4, (2000, 8))
    x = np.eye(4)[codes].reshape(len(codes), -1)
    y = (codes == 2).sum(1) + 2.0 * ((codes[:, 2] == 2) & (codes[:, 4] == 3))
    settings = {"objective": "regression", "num_leaves": 15, "verbosity": -1, "num_threads": 1}
    lgb.train(settings, lgb.Dataset(x, y), 60).save_model(workspace.folder / "trees.txt")
    source = {"kind": "trees", "path": "trees.txt", "layout": "flat"}
    workspace.configure(models__tiny__source=source, models__tiny__outputs=["g"])
    planned = workspace.planned()
    assert planned["expand_trees"] == 1
    assert not {"plan_sketch", "sample_sketch", "merge_sketch", "recover_spectrum"} & planned.keys()
    output = workspace.run().stdout
    assert "5 sequences explained from 1000 evaluations by exact trees; R2 1.000" in output
    folder = workspace.folder / "results/tiny"
    values = pd.read_parquet(folder / "some/shapley_values.parquet")
    assert (values["prediction"] - values["reconstruction"]).abs().max() < 1e-9
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


def test_the_snakemake_report_has_the_figures(finished, tmp_path):
    path = tmp_path / "snakemake report.html"
    finished.run("--report", str(path))
    text = path.read_text()
    assert "g.contributions.svg" in text
    assert "mean" in text and "Shapley value of each letter" in text


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
    memory = [pd.read_csv(p, sep="\t")["max_rss"].max() for p in (folder / "benchmarks").rglob("*.tsv")]
    assert max(memory) < 2000


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
