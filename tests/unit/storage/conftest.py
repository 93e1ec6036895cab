"""The provenance of a small run."""

import pytest

from shapsketch.storage.files import sha256_file
from shapsketch.storage.provenance import made_with


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
        "config": {"models": {"m": {}}, "sequences": {"s": {"path": "s.fa"}}},
        "results": {"s/report.html": sha256_file(tmp_path / "run/s.fa")},
    }
