"""MEME files: golden, read back by Biopython and by ourselves."""

import numpy as np
import pytest
from Bio import motifs as biopython

from shapsketch.motifs.meme import meme_text, read_meme
from shapsketch.motifs.pwm import Matrix
from shapsketch.sequences.alphabet import Alphabet

ALPHABETS = ["ACGT", "ACTG", "ACGU", "ACDEFGHIKLMNPQRSTVWY", "01X", "*ACb0.", '#=~"A']


def matrices(q, count=3, seed=0):
    draws = np.random.default_rng(seed)
    for k in range(1, count + 1):
        frequencies = draws.multinomial(10 * k, draws.dirichlet(np.full(q, 0.3), 3 + k)) / (10 * k)
        blank = np.zeros(len(frequencies))
        yield Matrix("y", f"M{k}", "NNN", frequencies, frequencies, blank > 0, blank.astype(int), 10 * k)


GOLDEN = {
    "ACGU": """MEME version 4

ALPHABET= ACGU

Background letter frequencies
A 0.250000 C 0.250000 G 0.250000 U 0.250000

MOTIF y_M1 UnG
letter-probability matrix: alength= 4 w= 3 nsites= 3 E= 0
0.000000 0.000000 0.000000 1.000000
0.333334 0.333333 0.333333 0.000000
0.000000 0.000000 1.000000 0.000000
""",
    "ACTG": """MEME version 4

ALPHABET= ACGT

strands: +

Background letter frequencies
A 0.250000 C 0.250000 G 0.250000 T 0.250000

MOTIF y_M1 UnG
letter-probability matrix: alength= 4 w= 3 nsites= 3 E= 0
0.000000 0.000000 1.000000 0.000000
0.333334 0.333333 0.000000 0.333333
0.000000 0.000000 0.000000 1.000000
""",
    "ACDEFGHIKLMNPQRSTVWY": "MEME version 4\n\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n\nBackground letter frequencies\n"
    + " ".join(f"{a} 0.050000" for a in "ACDEFGHIKLMNPQRSTVWY")
    + "\n\nMOTIF y_M1 UnG\nletter-probability matrix: alength= 20 w= 3 nsites= 3 E= 0\n"
    + " ".join(["0.000000"] * 3 + ["1.000000"] + ["0.000000"] * 16)
    + "\n"
    + " ".join(["0.333334", "0.333333", "0.333333"] + ["0.000000"] * 17)
    + "\n"
    + " ".join(["0.000000"] * 2 + ["1.000000"] + ["0.000000"] * 17)
    + "\n",
}


@pytest.mark.parametrize("letters", GOLDEN)
def test_golden_files(letters):
    q = len(letters)
    frequencies = np.zeros((3, q))
    frequencies[0, 3] = frequencies[2, 2] = 1
    frequencies[1, :3] = 1 / 3
    matrix = Matrix("y", "M1", "UnG", frequencies, frequencies, np.ones(3, bool), np.zeros(3, int), 3)
    assert meme_text(Alphabet(letters), [matrix], np.full(q, 1 / q)) == GOLDEN[letters]


@pytest.mark.parametrize("letters", ALPHABETS)
def test_what_is_written_is_read_back(letters, tmp_path):
    alphabet, path = Alphabet(letters), tmp_path / "motifs.meme"
    written = list(matrices(alphabet.q))
    path.write_text(meme_text(alphabet, written, np.full(alphabet.q, 1 / alphabet.q)))
    read = read_meme(path, alphabet)
    assert list(read) == [f"y_{m.motif} NNN" for m in written]
    for ours, theirs in zip(written, read.values(), strict=True):
        assert np.allclose(ours.frequencies, theirs, atol=2e-6)


@pytest.mark.parametrize("letters", ALPHABETS[:4])
def test_biopython_reads_the_same(letters, tmp_path):
    alphabet, path = Alphabet(letters), tmp_path / "motifs.meme"
    written = list(matrices(alphabet.q))
    path.write_text(meme_text(alphabet, written, np.full(alphabet.q, 1 / alphabet.q)))
    if alphabet.kind == "protein":  # Biopython knows no proteins here: it would read four columns
        rows = [line.split() for line in path.read_text().splitlines() if line[:2] in ("0.", "1.")]
        assert np.allclose(np.array(rows, float), np.concatenate([m.frequencies for m in written]), atol=2e-6)
        return
    with open(path) as handle:
        read = biopython.parse(handle, "minimal")
    assert [m.name for m in read] == ["y_M1", "y_M2", "y_M3"]
    for ours, theirs in zip(written, read, strict=True):
        assert theirs.num_occurrences == ours.sites
        columns = np.array([theirs.pwm[a] for a in letters]).T
        assert np.allclose(columns, ours.frequencies, atol=2e-6)
