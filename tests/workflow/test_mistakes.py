"""Mistakes in a config, a model or a file of sequences end a run with a sentence, and leave nothing behind."""

import pytest

from workflow.helpers import SEQUENCES, Workspace


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
        ({"models__tiny__source__target": "model.py:shape"}, {}, "sketch/shards/1-of-2.npz", "of shape (32, 1)"),
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


@pytest.mark.parametrize(
    ("estimator", "budget", "planned", "sentence"),
    [
        ("exact", 3000, False, "exact, which the design fourier does not serve; it serves fourier, regression,"),
        ("regression", 70_000, False, "regression, which the design exhaustive does not serve; it serves exact."),
        ("exact", 3000, True, "exact, which the design fourier does not serve; it serves fourier, regression,"),
    ],
)
def test_an_estimator_that_the_design_does_not_serve_ends_the_run_before_the_budget_is_spent(
    tmp_path, estimator, budget, planned, sentence
):
    """Also where the sketch was planned for another one, which is no reason to plan it anew."""
    workspace, plan = Workspace(tmp_path / "run"), "results/tiny/sketch/plan.json"
    workspace.configure(models__tiny__sketch__budget=budget)
    if planned:
        workspace.run(plan)
    workspace.configure(models__tiny__recovery={"estimator": estimator})
    if planned:
        assert workspace.planned(plan) == {}
    done = workspace.run("results/tiny/spectrum/spectrum.npz", "--retries", "0", check=False)
    assert done.returncode != 0
    assert f"recovery.estimator is {sentence}" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (workspace.folder / plan).exists() == planned
    assert not list((workspace.folder / "results/tiny/sketch").glob("shards/*.npz"))
