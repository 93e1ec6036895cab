"""The workflow as a person runs it: what it writes, what makes that stale, how it goes on."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from documented import undocumented_in
from shapsketch.spectrum.spectrum import Spectrum
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


def test_every_file_column_and_key_is_documented(finished):
    assert undocumented_in(finished.folder / "results/tiny") == []


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
    assert all(score["audit"].replace(" %", "\u00a0%") in page for score in scores.values())
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert len(pd.read_csv(folder / "spectrum/holdout.tsv", sep="\t")) == 2 * 290
    for name in ("holdout", "learning_curve"):
        assert (folder / f"spectrum/figures/t.{name}.svg").exists()
    assert not (finished.folder / "results/comparison.html").exists()  # there is nothing to compare


def test_a_spectrum_from_the_workflow_explains_in_a_notebook(finished):
    spectrum = Spectrum.load(finished.folder / "results/tiny/spectrum/spectrum.npz", "g")
    assert spectrum.predict(["AAGATAAA", "CCCCCCCC"]) == pytest.approx([3, 0], abs=1e-3)


def test_every_rule_logs_and_is_measured(finished):
    for folder, ending in (("logs", ".log"), ("benchmarks", ".tsv")):
        files = list((finished.folder / folder).rglob(f"*{ending}"))
        assert len(files) == 14, files
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
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background shells ignore it
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


@pytest.mark.parametrize("header", ["# by hand\nid,sequence,group", "ID, Sequence, Group", "id,sequence,batch"])
def test_a_table_with_groups_has_a_comparison(tmp_path, header):
    workspace = Workspace(tmp_path / "run")
    workspace.write("some.csv", f"{header}\na,ACGTTACG,x\nb,TTGATCCA,y\n")
    workspace.configure(sequences__some={"path": "some.csv"})
    assert ("compare_analyses" in workspace.planned()) == ("group" in header.lower())


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
        conditions__letters={"sequences": "some", "outputs": ["tiny/g", "tiny/t"]},
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
    summed = aggregates[(aggregates["index"] == "SV") & aggregates["group"].isna()].set_index(["output", "positions"])
    for output, own in values.groupby("output"):
        assert [f"pos_{position}" for position in summed.loc[output].index] == positions
        assert np.allclose(summed.loc[output, "mean"], own[positions].mean(), atol=1e-6)
    scores = json.loads((folder / "faithfulness.json").read_text())["g"]
    assert scores["refined"] == 250
    assert "Refined by 12 evaluations per sequence: standard error" in (folder / "report.html").read_text()
    assert scores["standard_error"] < 0.01  # the sketch is nearly exact
    assert "evaluations per sequence: standard error" in (folder / "summary.txt").read_text()
    comparison = (copy.folder / "results/comparison.html").read_text()
    assert '"names":["g · all","g · x","g · y","t · all","t · x","t · y"]' in comparison
    assert comparison.count('"name":"letters"') == 1
    differences = pd.read_csv(copy.folder / "results/contribution_differences.tsv", sep="\t")
    strongest = differences.loc[differences["mean_difference"].idxmax()]
    mean = [values.loc[values["output"] == o, f"pos_{strongest['position']}"] for o in ("g", "t")]
    letters = values.loc[values["output"] == "g", "sequence_id"].map(dict(row.split(",")[:2] for row in rows))
    kept = (letters.str[strongest["position"] - 1] == strongest["letter"]).to_numpy()
    assert strongest["mean_difference"] == pytest.approx(mean[0][kept].mean() - mean[1][kept].mean(), abs=1e-5)
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["config"]["conditions"] == {}  # which may name what one analysis alone has not
    pair = [np.load(folder / f"hypothetical/{name}.npz", allow_pickle=False)["arr_0"] for name in ("g", "onehot")]
    assert pair[0].shape == pair[1].shape == (250, 4, 8)


def test_the_sketch_is_set_beside_other_methods(copy):
    copy.configure(compare={"enabled": True, "methods": ["shapsketch", "kernel_shap", "deep_shap"],
                            "sequences": 2, "evaluations": [60], "curve_draws": 1})  # fmt: skip
    assert set(copy.planned()) == {"default", "compare_methods", "draw_comparison", "build_report"}
    output = copy.run()
    assert "A model of kind python has no gradients that DeepSHAP could follow." in output.stderr
    folder = copy.folder / "results/tiny/some"
    table = pd.read_csv(folder / "comparison.tsv", sep="\t")
    assert table["output"].tolist() == ["g"] * 3 + ["t"] * 3
    assert table["method"].tolist() == ["shapsketch", "kernel_shap", "deep_shap"] * 2
    own = table[table["output"] == "g"].set_index("method")
    assert own.loc["shapsketch", "r2"] > 0.999
    assert own.loc["shapsketch", "pair_recall"] > 0
    assert own.loc["shapsketch", "amortised"] == 3000 / 5
    assert 0 < own.loc["kernel_shap", "each"] <= 60
    assert own.loc["kernel_shap", "break_even"] == np.ceil((3000 - 1000) / own.loc["kernel_shap", "each"])
    assert own["truth_error"].dropna().tolist() == [0, 0]  # all 8-mers are evaluated
    assert (folder / "comparison/g.accuracy_against_cost.svg").exists()
    assert (folder / "comparison/g.total_cost.svg").exists()
    assert "Beside other methods" in (folder / "report.html").read_text()
    assert "comparison/g.accuracy_against_cost.svg" in (folder / "provenance.json").read_text()


def test_every_result_says_where_it_comes_from(finished):
    folder = finished.folder / "results/tiny"
    record = json.loads((folder / "some/provenance.json").read_text())
    plan = json.loads((folder / "sketch/plan.json").read_text())
    assert record["hashes"]["plan"] == plan["hash"]
    assert record["config"]["models"]["tiny"]["sketch"]["budget"] == 3000
    assert set(record["inputs"]) == {"model.py", "some.fa"}
    assert record["versions"]["sketch"] == plan["versions"] == record["versions"]["report"]
    spectrum = Spectrum.load(folder / "spectrum/spectrum.npz", "g")
    assert spectrum.provenance["versions"]["code"] == record["hashes"]["code"]
    for table in ("shapley_values", "interactions", "aggregates"):
        stamp = json.loads(pq.read_schema(folder / f"some/{table}.parquet").metadata[b"shapsketch"])
        assert stamp["plan"] == plan["hash"]
        assert stamp["spectrum"] == record["results"]["spectrum/spectrum.npz"]
    made = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and "shards" not in p.parts}
    rest = {"some/provenance.json", "sketch/plan.json", "spectrum/faithfulness.json", "some/shapley_values.tsv.gz"}
    assert set(record["results"]) == made - rest - {"sketch/check.json"}
    page = (folder / "some/report.html").read_text()
    assert all(value in page for value in record["hashes"].values())


def test_a_run_is_repeated_from_its_provenance(finished):
    """The same bytes, in another folder; what is not as it was ends it."""
    command = [sys.executable, "-m", "shapsketch.storage.repeat", "results/tiny/some/provenance.json", "--cores", "2"]
    variables = environment(PYTHONPATH=str(ROOT / "workflow/scripts"))
    done = subprocess.run(
        command, cwd=finished.folder, env=variables, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "files are the same to the byte" in done.stdout


def test_the_snakemake_report_has_the_figures(finished, tmp_path):
    path = tmp_path / "snakemake report.html"
    finished.run("--report", str(path))
    text = path.read_text()
    assert all(f"g.{name}.svg" in text for name in ("contributions", "orders", "interactions", "M1", "holdout"))
    assert "provenance.json" in text
    assert "mean" in text and "Shapley value of each letter" in text
