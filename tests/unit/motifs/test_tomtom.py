"""Motifs are compared with a database."""

import os
from pathlib import Path

import numpy as np
import pytest

from shapsketch.motifs.pwm import information
from shapsketch.motifs.tomtom import compare_motifs
from shapsketch.sequences.alphabet import Alphabet


def compiled():
    """Whether memelite has been compiled before: that takes a minute or two."""
    return any(Path(os.environ.get("NUMBA_CACHE_DIR", "/nowhere")).rglob("tomtom._tomtom-*.nbi"))


@pytest.mark.skipif(not compiled(), reason="memelite is not compiled yet; `make benchmark-motifs` compiles it")
def test_tomtom_finds_the_motif_in_a_database():
    check_tomtom()


def check_tomtom():
    """Motifs of the database, shifted, cut and turned, are found again, where they are."""
    alphabet = Alphabet("ACGT")
    draws = np.random.default_rng(0)
    targets = {f"t{k}": draws.dirichlet(np.full(4, 0.2), 8) for k in range(30)}
    queries = {
        ("y", "M1"): targets["t3"],
        ("y", "M2"): np.vstack([np.full((2, 4), 0.25), targets["t4"]]),
        ("y", "M3"): targets["t5"][1:6],
        ("y", "M4"): targets["t6"][::-1, ::-1],
        ("y", "M5"): np.full((5, 4), 0.25),
    }
    for both in (True, False):
        table = compare_motifs(queries, targets, alphabet, both_strands=both)
        best = table.groupby("motif").first()
        assert best["target"].tolist()[:3] == ["t3", "t4", "t5"]
        assert best["offset"].tolist()[:3] == [0, -2, 1]
        assert best["overlap"].tolist()[:3] == [8, 8, 5]
        assert (best["orientation"].iloc[:3] == "+").all()
        assert (best["e_value"].iloc[:3] < 1e-3).all()
        assert np.allclose(table["e_value"], 30 * table["p_value"])
        assert (table["q_value"] >= table["p_value"]).all() and "M5" not in best.index
        turned = table[table["motif"] == "M4"].iloc[:1]
        assert (turned["target"].tolist(), turned["orientation"].tolist()) == (["t6"], ["-"]) or not both


def test_motifs_that_say_nothing_are_not_compared():
    assert information(np.full((6, 4), 0.25)) == pytest.approx(0, abs=1e-9)
    assert information(np.eye(4)) == pytest.approx(8)
    found = compare_motifs({("y", "M1"): np.full((4, 4), 0.25)}, {"t": np.eye(4)}, Alphabet("ACGT"), both_strands=True)
    assert found.empty and "q_value" in found
