"""The workflow with explain.mode: masks, on sequences of 300 letters."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

import shapsketch
from documented import undocumented_in
from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError
from workflow.helpers import ROOT, Workspace, environment

MODEL = '''
"""Two outputs of 300-mers: G's, with a bonus for GATTACA at 61 with CCGGC at 161; and T's."""
import os

def predict(sequences):
    with open(os.environ["MODEL_CALLS"], "a") as calls:
        calls.write(f"{len(sequences)}\\n")
    bonus = [3.0 * (s[60:67] == "GATTACA" and s[160:165] == "CCGGC") for s in sequences]
    return [[0.02 * s.count("G") + b, 0.1 * s.count("T")] for s, b in zip(sequences, bonus)]
'''
TABLES = (
    "letter_contributions.parquet",
    "motifs/motifs.tsv",
    "motifs/instances.tsv",
    "shapley_values.parquet",
    "shapley_values.tsv.gz",
    "interactions.parquet",
    "mask_scores.parquet",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("masks") / "run")
    rng = np.random.default_rng(0)
    records = []
    for name in "abc":
        letters = rng.choice(list("ACGT"), 300)
        letters[60:67], letters[160:165] = list("GATTACA"), list("CCGGC")
        records.append(f">{name}\n{''.join(letters)}\n")
    workspace.write("some.fa", "".join(records))
    workspace.write("model.py", MODEL)
    workspace.configure(
        models__tiny__template="N" * 300, explain__mode="masks", explain__shards=2,
        explain__masks={"players": {"segments": 10}, "budget": 1200, "estimator": "regression"},
    )  # fmt: skip
    env = environment(MODEL_CALLS=str(workspace.folder / "calls"))
    workspace.output = workspace.run(env=env).stdout
    return workspace, env


def digest(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (*TABLES, "report.html")}


def test_every_file_column_and_key_is_documented(finished):
    assert undocumented_in(finished[0].folder / "results/tiny") == []


def test_sequences_are_masked_without_a_sketch(finished):
    workspace, _ = finished
    folder = workspace.folder / "results/tiny/some"
    assert [path.name for path in (workspace.folder / "results/tiny/sketch").iterdir()] == ["check.json"]
    asked = sum(map(int, (workspace.folder / "calls").read_text().split()))
    check = json.loads((workspace.folder / "results/tiny/sketch/check.json").read_text())["evaluations"]
    assert check == 3 * 32 + 2  # sequences that are asked three times, two of them alone as well
    assert asked <= 3 * 1201 + check
    scores = json.loads((folder / "faithfulness.json").read_text())
    assert scores["g"]["evaluations_per_sequence"] * 3 + 3 + scores["g"]["checked"] == asked
    assert scores["g"]["checked"] == check
    assert scores["g"]["r2"] > 0.9
    assert set(scores["g"]["by_sequence"]) == set("abc")
    assert "3 sequences masked, 1200 evaluations each" in workspace.output
    values = pd.read_parquet(folder / "shapley_values.parquet").set_index(["output", "sequence_id"])
    shares = values[[f"pos_{i}" for i in range(1, 301)]]
    assert np.abs(shares.sum(axis=1) - (values["reconstruction"] - values["base_value"])).max() < 1e-4
    assert np.abs(values["gap"]["g"]).max() < 1.0
    again, written = shapsketch.masked_scores(folder), pd.read_parquet(folder / "mask_scores.parquet")
    again = again.set_index(["output", "sequence_id"])
    pd.testing.assert_frame_equal(
        again, written.set_index(["output", "sequence_id"]).loc[again.index, again.columns], check_exact=True
    )
    interactions = pd.read_parquet(folder / "interactions.parquet")
    assert (interactions["standard_error"] > 0).all()
    strongest = interactions[interactions["output"] == "g"].groupby("sequence_id").first()
    assert (strongest["positions"] == "61-70,161-170").all()
    assert (strongest["letters"].str[:7] == "GATTACA").all()


def test_the_page_holds_every_map_and_the_provenance_every_hash(finished):
    workspace, _ = finished
    folder = workspace.folder / "results/tiny/some"
    page = (folder / "report.html").read_text()
    assert page.count('"positions":[[60,69],[160,169]]') == 3
    assert "Content-Security-Policy" in page
    record = json.loads((folder / "provenance.json").read_text())
    assert record["results"]["some/shapley_values.parquet"] == digest(folder)["shapley_values.parquet"]
    assert set(record["versions"]) == {"explanation", "report"}


def test_shards_do_not_change_a_byte(finished):
    workspace, env = finished
    folder = workspace.folder / "results/tiny/some"
    before = {name: value for name, value in digest(folder).items() if name != "report.html"}
    workspace.configure(explain__shards=1)
    workspace.run("results/tiny/some/faithfulness.json", env=env)
    assert {name: digest(folder)[name] for name in before} == before


def test_students_learn_from_all_shards_and_of_all_folds(tmp_path):
    workspace = Workspace(tmp_path / "run")
    letters = np.random.default_rng(1).choice(list("ACGT"), (2, 40))
    workspace.write("some.fa", "".join(f">{k}\n{''.join(row)}\n" for k, row in enumerate(letters)))
    pool = np.random.default_rng(2).choice(list("ACGT"), 400)
    workspace.write("pool.fa", f">pool\n{''.join(pool)}\n>short\nACGT\n")
    workspace.write(
        "model.py",
        "def predict(sequences, times=1):\n    return [[times * s.count('G'), s.count('T')] for s in sequences]\n"
        "def thrice(sequences):\n    return predict(sequences, 3)\n",
    )
    workspace.configure(
        models__tiny__template="N" * 40, explain__mode="masks", explain__shards=2,
        models__tiny__source={"kind": "python", "folds": [{"target": f"model.py:{f}"} for f in ("predict", "thrice")]},
        explain__hypothetical=True,
        models__tiny__background={"draws": {"path": "pool.fa", "cut": "anywhere", "gc": 0.1}},
        explain__masks={"players": {"segments": 2}, "budget": 200, "estimator": "student"},
    )  # fmt: skip
    workspace.run()
    folder = workspace.folder / "results/tiny/some"
    with np.load(folder / "hypothetical/onehot.npz") as onehot, np.load(folder / "hypothetical/g.npz") as would:
        own = (onehot["arr_0"] * would["arr_0"]).sum(1)
    letters_of = pd.read_parquet(folder / "letter_contributions.parquet").query("output == 'g'")
    assert own == pytest.approx(letters_of[[f"pos_{i}" for i in range(1, 41)]].to_numpy(), abs=1e-6)
    unknown = pd.read_csv(folder / "hypothetical/unknown.tsv", sep="\t")
    assert len(unknown) < 4  # of four explanations
    assert not (folder / "motifs").exists()  # too short for stretches
    page = (folder / "report.html").read_text()
    assert "sequences of pool.fa whose share of G and C is within 0.1 of its own" in page
    assert "1 of its sequences are shorter" in page
    scores = pd.read_parquet(folder / "mask_scores.parquet")
    assert scores["background_sequences"].between(10, 360).all()
    assert "student" in set(scores["estimator"]) <= {"student", "constant"}
    with np.load(folder / "masks/students.npz") as students:
        assert students["samples"] > 200  # more than one sequence has
    values = pd.read_parquet(folder / "shapley_values.parquet")
    assert np.abs(values["reconstruction"] - values["prediction"]).max() < 1e-6
    spread = pd.read_parquet(folder / "shapley_folds.parquet").set_index(["output", "statistic", "sequence_id"])
    assert len(spread) == 2 * 3 * 2
    places = [f"pos_{i}" for i in range(1, 41)]
    spread, of_g = spread.loc["g"], values[values["output"] == "g"].set_index("sequence_id")
    of_mean = of_g[places].to_numpy()  # of the folds' values v and 3 v
    assert spread.loc["standard_deviation"].to_numpy() == pytest.approx(np.abs(of_mean) / np.sqrt(2), abs=0.15)
    low, high = (spread.loc[name].to_numpy() for name in ("low", "high"))
    assert (low + high) / 2 == pytest.approx(of_mean, abs=1e-5)
    errors = pd.read_parquet(folder / "shapley_errors.parquet").query("output == 'g'")[places].to_numpy()
    of_folds = 12.7062 * np.sqrt(3 / 2) * spread.loc["standard_deviation"].to_numpy()  # Student's t, one degree
    assert (high - low) / 2 == pytest.approx(np.hypot(of_folds, 1.959964 * errors), rel=1e-3, abs=1e-4)
    counts = np.array([(row == "G").sum() for row in letters])
    assert of_g["prediction_sd"].to_numpy() == pytest.approx(counts * np.sqrt(2))
    record = json.loads((folder / "faithfulness.json").read_text())["t"]
    assert (record["folds"], record["prediction_sd"]) == (2, 0)
    assert "The model is the mean of 2 folds" in page
    assert undocumented_in(workspace.folder / "results/tiny") == []


def test_the_estimate_counts_masks_and_the_run_can_be_repeated(finished):
    workspace, env = finished
    workspace.run("results/estimate.tsv", env=env)
    rows = pd.read_csv(workspace.folder / "results/estimate.tsv", sep="\t").set_index("stage")
    stages = ["check", "ask masks", "train students", "explain", "merge explanations", "report"]
    assert list(rows.index) == stages
    assert rows.loc["ask masks", "evaluations"] == 3 * 1201
    workspace.run(env=env)
    command = [sys.executable, "-m", "shapsketch.storage.repeat", "results/tiny/some/provenance.json"]
    env = {**env, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    done = subprocess.run(command, cwd=workspace.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "are the same to the byte" in done.stdout


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"explain__refine": {"evaluations_per_sequence": 8}}, "sets explain.refine, which needs a sketch"),
        (
            {"explain__hypothetical": True, "explain__masks": {"estimator": "trees"}},
            "sets explain.hypothetical, which students of masks tell; explain.masks.estimator is trees",
        ),
        ({"sequences__some__ambiguous": "resolve"}, "with explain.mode: masks it is error or drop"),
        ({"explain__masks": {"players": {"segments": 0}}}, "explain.masks.players"),
        ({"explain__masks": {"budgets": 100}}, "did you mean 'budget'?"),
        (
            {"models__tiny__background": {"shuffle": {}}, "explain__mode": "sketch"},
            "draws whole sequences (shuffle), which is for explain.mode: masks, but explain.mode is sketch",
        ),
        (
            {
                "models__tiny__background": {"draws": {"path": "p.fa", "gc": 0.1}},
                "models__tiny__alphabet": "protein",
                "models__tiny__template": "XXXX",
            },
            "matches shares of G and C, but its alphabet is protein",
        ),
    ],
)
def test_mistakes_are_told(changes, sentence, tmp_path):
    workspace = Workspace(tmp_path / "run")
    workspace.configure(**{"explain__mode": "masks", **changes})
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    config = yaml.safe_load((workspace.folder / "config/config.yaml").read_text())
    with pytest.raises(InputError) as told:
        check_names(check_config(config, schema), files=False)
    assert sentence in str(told.value)
