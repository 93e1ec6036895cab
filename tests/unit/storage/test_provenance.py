"""Provenance, what a run costs, and where files lie."""

import json

import pytest

from shapsketch.comparison.registry import most_evaluations
from shapsketch.settings.cost import MAX_SHARDS, auto_shards, estimate, wall_seconds
from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import locate, source_files
from shapsketch.storage.files import sha256_file
from shapsketch.storage.provenance import code_hash, config_hash, describe, made_with
from shapsketch.storage.repeat import compare, differences, lay_out, load_record

CONFIG = {
    "models": {
        "m": {
            "source": {"kind": "table", "path": "t.csv", "url": "https://x/t.csv", "sha256": "0" * 64},
            "sketch": {"budget": 10, "shards": 4},
        }
    },
    "sequences": {"s": {"path": "s.fa"}},
    "analyses": [["m", "s"]],
    "explain": {"shards": 1, "top_k": 20},
    "offline": False,
    "pytorch": "cpu",
}


def changed(path, value):
    config = json.loads(json.dumps(CONFIG))
    *parents, key = path.split("__")
    place = config
    for parent in parents:
        place = place[parent]
    place[key] = value
    return config


@pytest.mark.parametrize("path", ["models__m__sketch__shards", "explain__shards", "offline", "models__m__source__url"])
def test_what_must_not_change_results_does_not_change_the_hash(path):
    assert config_hash(changed(path, 9)) == config_hash(CONFIG)


@pytest.mark.parametrize("path", ["models__m__sketch__budget", "explain__top_k", "sequences__s__path"])
def test_what_may_change_results_changes_the_hash(path):
    assert config_hash(changed(path, 9)) != config_hash(CONFIG)


def test_versions_name_the_code_and_the_packages():
    found = made_with()
    assert found["code"] == code_hash()
    assert {"shapsketch", "python", "numpy", "scipy", "numba", "torch"} <= set(found)


@pytest.fixture
def record(tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("model.csv", "run/s.fa"):
        (tmp_path / name).write_text(name)
    inputs = {"../model.csv": sha256_file(tmp_path / "model.csv"), "s.fa": sha256_file(tmp_path / "run/s.fa")}
    return {
        "version": 1,
        "model": "m",
        "hashes": {"plan": "abc"},
        "inputs": inputs,
        "versions": {"sketch": made_with(), "report": {**made_with(), "numpy": "1.0"}},
        "config": CONFIG,
        "results": {"s/report.html": sha256_file(tmp_path / "run/s.fa")},
    }


def test_a_repeated_run_finds_its_inputs_where_the_config_names_them(record, tmp_path):
    folder = lay_out(record, tmp_path / "run", tmp_path / "again")
    assert (folder / "../model.csv").read_text() == "model.csv"
    assert (folder / "s.fa").read_text() == "run/s.fa"
    assert folder.is_relative_to(tmp_path / "again")
    assert (folder / "../model.csv").resolve().parent == tmp_path
    assert compare(record, folder) == ["s/report.html"]
    (folder / "results/m/s").mkdir(parents=True)
    (folder / "results/m/s/report.html").write_text("run/s.fa")
    assert compare(record, folder) == []


def test_what_is_not_as_it_was_is_told(record, tmp_path):
    (sentence,) = differences(record, tmp_path / "run")
    assert sentence.startswith("Not as it was for the report: numpy 1.0 -> ")
    (tmp_path / "run/s.fa").write_text("other")
    with pytest.raises(InputError, match=r"s.fa is not the file that was read: its SHA-256 was"):
        differences(record, tmp_path / "run")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 0, "results": {}}'])
def test_other_files_are_no_provenance(tmp_path, text):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(InputError):
        load_record(tmp_path / "p.json")


def test_the_table_for_people_joins_stages_of_the_same_versions(record):
    rows = dict(describe({**record, "versions": {"sketch": made_with(), "spectrum": made_with()}}))
    assert rows["SHA-256 of the plan"] == "abc"
    assert "numpy" in rows["Versions (sketch, spectrum)"]


@pytest.mark.parametrize(
    ("evaluations", "batch", "rate", "shards"),
    [
        (20_000, 1024, None, 4),
        (20_000, 1024, 1e-5, 1),  # a second in all
        (20_000, 1024, 0.02, 4),  # 400 s: four of about a minute
        (200_000, 1024, 0.1, 34),  # 20,000 s: ten minutes each
        (100, 50, 100.0, 2),  # never less than a batch
        (10**7, 10, 10.0, MAX_SHARDS),
    ],
)
def test_shards_take_ten_minutes(evaluations, batch, rate, shards):
    assert auto_shards(evaluations, batch, rate) == shards


def test_cost_is_evaluations_times_time_plus_overheads():
    work = {
        "evaluations": 100_000, "batch_size": 100, "shards": "auto", "rounds": 1, "outputs": 1,
        "explanation_shards": 2, "asked": 1, "masked": False,
    }  # fmt: skip
    rows = estimate(work, {"seconds_per_evaluation": 0.05, "load_seconds": 5.0}, [1000, 3000])
    by_stage = {row["stage"]: row for row in rows}
    sample = by_stage["sample"]
    assert sample["jobs"] == 9
    assert sample["job_seconds"] == pytest.approx(100_000 * 0.05 / 9 + 5 + 10)
    assert by_stage["explain"]["evaluations"] == 4000
    assert by_stage["explain"]["jobs"] == 4
    rows = [{"model": "m", **row} for row in rows]
    work_seconds = sum(row["jobs"] * row["job_seconds"] for row in rows)
    assert wall_seconds(rows, 1) == pytest.approx(work_seconds)
    assert work_seconds / 9 < wall_seconds(rows, 9) < wall_seconds(rows, 3) < work_seconds
    trees = estimate({**work, "evaluations": 0}, {"seconds_per_evaluation": 0.0, "load_seconds": 0.0}, [10])
    assert "sample" not in {row["stage"] for row in trees}


def test_cost_lists_the_stages_of_masks_and_of_comparisons():
    work = {
        "evaluations": 0, "batch_size": 100, "shards": "auto", "rounds": 1, "outputs": 1,
        "explanation_shards": 1, "asked": 5001, "masked": True,
    }  # fmt: skip
    rate = {"seconds_per_evaluation": 0.01, "load_seconds": 0.0}
    masked = estimate(work, rate, [10])
    assert [row["stage"] for row in masked] == ["explain", "merge explanations", "report"]
    assert masked[0]["job_seconds"] == pytest.approx(50_010 * 0.01 + 10, rel=1e-3)
    methods = ["shapsketch", "shapsketch_refined", "kernel_shap", "shapzero"]
    settings = {
        "enabled": True, "methods": methods, "sequences": 12, "evaluations": [100, 200], "truth_evaluations": 1000,
    }  # fmt: skip
    most = most_evaluations(settings, 2, 20_000, 5)
    assert most == 5 * 1000 + 2 * (5 * 300 * 2 + 20_000)
    assert most_evaluations({**settings, "enabled": False}, 2, 20_000, 5) == 0
    compared = estimate({**work, "masked": False}, rate, [5], most)
    assert {row["stage"]: row["evaluations"] for row in compared}["compare"] == most


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "torch", "path": "a.pt2"},
        {"kind": "trees", "path": ["a", "b"]},
        {"kind": "torch", "path": "w.npz", "factory": "c.py:net"},
        {"kind": "python", "target": "m.py:f", "files": ["x", "y"]},
        {"kind": "builtin", "function": "microhomology"},
    ],
)
def test_files_are_found_where_they_lie(source):
    elsewhere = [f"/storage/{file}" for file in source_files(source)]
    found = locate(source, elsewhere[0] if len(elsewhere) == 1 else elsewhere)
    assert source_files(found) == elsewhere
    assert found.keys() == source.keys()
    assert locate(source, source_files(source)) == source
