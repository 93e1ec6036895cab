"""Motifs of contributions with standard errors: planted ones are first, on both strands, and noise gives none.

Covers also: settings/seqlets.
"""

import numpy as np
import pyarrow as pa
import pytest

from shapsketch.motifs import Settings
from shapsketch.motifs.reading import Explained
from shapsketch.motifs.stretches import Uncertain, find_stretches
from shapsketch.motifs.tomtom import compare_motifs
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.seqlets import wants_seqlets
from shapsketch.spectrum.tables import errors_schema, values_schema
from shapsketch.storage.parquet import write_parquet

DNA, N, COUNT = Alphabet("ACGT"), 400, 24
CTCF = "TGGCCACCAGGGGGCGCTA"  # Kim et al., Cell 128, 1231 (2007)
OTHERS = {"GATA": "AGATAAGA", "AP1": "ATGAGTCAT", "YY1": "CAAGATGGCGGC", "NRF1": "TGCGCATGCGCA"}
HELD = 12  # the first sequences, which hold the motif, every other one on the minus strand


def complemented(codes):
    return DNA.complement[codes[::-1]]


@pytest.fixture
def write(tmp_path):
    """Write sequences whose motif contributes, in segments of ten letters where wanted, and their errors."""

    def write(strength, error, segments=1):
        rng = np.random.default_rng(4)
        codes = rng.integers(0, 4, (COUNT, N)).astype(np.uint8)
        values = np.zeros((COUNT, N))
        starts = rng.integers(20, N - 40, HELD)
        word = DNA.encode([CTCF])[0]
        for row, start in enumerate(starts.tolist()):
            codes[row, start : start + len(word)] = complemented(word) if row % 2 else word
            values[row, start : start + len(word)] = strength / len(word)
        noise = error * rng.normal(size=(COUNT, N // segments))
        values += np.repeat(noise, segments, axis=1) / segments
        texts = DNA.decode(codes)
        names = [f"s{k}" for k in range(COUNT)]
        write_parquet(
            tmp_path / "s.parquet", pa.table({"sequence_id": names, "sequence": texts, "group": [""] * COUNT})
        )
        columns = {
            "sequence_id": names, "output": ["y"] * COUNT, "prediction": values.sum(1),
            "reconstruction": values.sum(1), "gap": np.zeros(COUNT), "base_value": np.zeros(COUNT),
            "warning": [""] * COUNT,
        }  # fmt: skip
        places = {f"pos_{i + 1}": values[:, i].astype(np.float32) for i in range(N)}
        write_parquet(tmp_path / "v.parquet", pa.table(columns | places, schema=values_schema(N)))
        spread = {f"pos_{i + 1}": np.full(COUNT, error / segments, np.float32) for i in range(N)}
        columns = {
            "sequence_id": names,
            "output": ["y"] * COUNT,
            "evaluations": [1] * COUNT,
            "correction": [0.0] * COUNT,
        }
        write_parquet(tmp_path / "e.parquet", pa.table(columns | spread, schema=errors_schema(N)))
        explained = Explained(Template(DNA, "N" * N), tmp_path / "s.parquet", tmp_path / "v.parquet", 0, [])
        trusted = np.ones(COUNT, bool)
        return Uncertain(explained, tmp_path / "e.parquet", np.arange(N) // segments, trusted, 3), starts

    return write


def found_in(uncertain, **settings):
    instances = []
    settings = Settings(min_instances=5, bootstrap=20, reverse_complement=True, **settings)
    found = find_stretches("y", uncertain, settings, lambda rows, blocks: instances.append(rows))
    return found, instances


@pytest.mark.parametrize("segments", [1, 10])
def test_motif_one_is_ctcf_in_the_sequences_that_hold_it_and_in_no_other(write, segments):
    uncertain, starts = write(1.5, 0.02 * segments**0.5, segments)
    found, instances = found_in(uncertain)
    motifs = found.tables["motifs"]
    assert motifs["motif"].iloc[0] == "S1" and motifs["share"].iloc[0] > 0.1
    first = instances[0]
    assert set(first["sequence_id"]) == {f"s{k}" for k in range(HELD)}
    assert first["motif"].eq("S1").all() and set(first["strand"]) == {"+", "-"}
    turned = {(row.sequence_id[1:], row.strand) for row in first.itertuples()}
    assert len({(int(row) % 2 == 1) ^ (strand == "-") for row, strand in turned}) == 1  # all are read alike
    for row in first.itertuples():
        start = starts[int(row.sequence_id[1:])]
        assert row.start - 1 >= start - 6 and row.end <= start + len(CTCF) + 6
    targets = {
        name: 0.85 * (DNA.encode([word])[0][:, None] == np.arange(4)) + 0.05 * np.ones(4) - 0.0125
        for name, word in {"CTCF": CTCF, **OTHERS}.items()
    }
    targets = {name: matrix / matrix.sum(1, keepdims=True) for name, matrix in targets.items()}
    queries = {("y", m.motif): m.frequencies for m in found.matrices[:1]}
    matches = compare_motifs(queries, targets, DNA, both_strands=True)
    assert matches["target"].iloc[0] == "CTCF" and matches["q_value"].iloc[0] < 0.01


def test_what_does_not_stand_out_of_its_errors_gives_none(write):
    uncertain, _ = write(0.0, 0.1)
    found, instances = found_in(uncertain)
    assert found.tables["motifs"].empty and not instances
    uncertain, _ = write(0.0, 1.0, segments=10)  # letters of a segment are alike, which shuffles alone would not know
    assert found_in(uncertain)[0].tables["motifs"].empty


def test_sequences_that_cannot_be_trusted_are_left_out(write):
    uncertain, _ = write(1.5, 0.02)
    uncertain.trusted[:4] = False
    found, instances = found_in(uncertain)
    assert found.sequences == COUNT - 4
    assert set(instances[0]["sequence_id"]) == {f"s{k}" for k in range(4, HELD)}
    uncertain.trusted[:] = False
    assert found_in(uncertain)[0].tables["motifs"].empty


@pytest.mark.parametrize(("setting", "letters", "wanted"), [("auto", 49, False), ("auto", 50, True), (True, 8, True)])
def test_seqlets_need_long_sequences_unless_asked_for(setting, letters, wanted):
    assert wants_seqlets(setting, letters) is wanted
