"""Databases of motifs: read as they are written, and refused in a sentence where they are damaged."""

import bz2
import gzip
import lzma

import numpy as np
import pytest

from shapsketch.motifs.meme import read_meme
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.settings.errors import InputError


def test_databases_with_u_for_t_and_odd_spacing_are_read(tmp_path):
    path = tmp_path / "db.meme"
    path.write_text(
        "MEME version 5.5.5\n\nALPHABET= ACGU\n\nMOTIF  RBFOX1\tGCAUG\n\nletter-probability matrix: alength= 4 w=2\n"
        "\n 0 0 0 1 \n0.5\t0.5 0 0\nURL x\n"
    )
    read = read_meme(path, Alphabet("ACTG"))
    assert read["RBFOX1 GCAUG"].tolist() == [[0, 0, 1, 0], [0.5, 0.5, 0, 0]]


HEAD, MATRIX = "MEME version 4\nALPHABET= ACGT\n", "letter-probability matrix:\n"

ROWS = " 0.9 0.1 0.0 0.0\n 0.0 1.0 0.0 0.0\n 0.2 3e-1 .4 0.1\n"

COLUMNS = {"A": [0.9, 0, 0.2], "C": [0.1, 1, 0.3], "G": [0, 0, 0.4], "T": [0, 0, 0.1]}

LIKE = """ALPHABET "DNA" DNA-LIKE
A "Adenine" CC0000 ~ T "Thymine = 5" 008000
# C ~ A
C ~ G # both
N = ACGT
U = T
END ALPHABET
"""

LOG_ODDS = """strands: + -
Background letter frequencies (from x):
A 0.25 C 0.25 G 0.25 T 0.25
MOTIF a
log-odds matrix: alength= 4 w= 3 E= 0
-1 2 3 4
1 1 1 1
5 5 5 5
letter-probability matrix: w= 3 E= 1e-5
"""

WHOLE = """****
MEME - Motif discovery tool
****
MEME version 5.5.5 (Release date: x)

ALPHABET= ACGT

****
MOTIF a width =   3  sites =   7\tllr = 9  E-value = 1.0e-3
****
\tMotif a position-specific probability matrix
----
letter-probability matrix: alength= 4 w= 3 nsites= 7 E= 1.0e-3
"""

OTHER_ORDER = """MEME version 5
ALPHABET RNA-LIKE
U ~ A
G
C
END ALPHABET
MOTIF a
letter-probability matrix:
"""

TAKEN = {
    "no width": "MEME version 4\nALPHABET= ACGT\nMOTIF a\nletter-probability matrix: alength= 4\n" + ROWS,
    "no declarations": "MEME version 4\n\nMOTIF a\nletter-probability matrix:\n" + ROWS + "\nURL https://a\n",
    "DNA-LIKE": f"MEME version 5\n\n{LIKE}\nstrands: + -\n\nMOTIF a\nletter-probability matrix: w= 3\n{ROWS}",
    "letters in another order": OTHER_ORDER + ROWS,
    "background and log-odds": HEAD + LOG_ODDS + ROWS,
    "blank lines": HEAD + "MOTIF a\n\nletter-probability matrix: nsites= 20\n\n" + ROWS.replace("\n", "\n\n"),
    "meme.txt": WHOLE + ROWS + "----\n",
}


@pytest.mark.parametrize("written", TAKEN)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_databases_as_they_are_written(written, ends, tmp_path):
    path, text = tmp_path / "db.meme", TAKEN[written].replace("\n", ends)
    expected = np.array([COLUMNS[a] for a in "TGCA"]).T
    for packed in (
        text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), gzip.compress(text.encode()),
        bz2.compress(text.encode()), lzma.compress(text.encode()),
    ):  # fmt: skip
        path.write_bytes(packed)
        read = read_meme(path, Alphabet("TGCA"))
        assert list(read) == ["a"]
        assert np.allclose(read["a"], expected, atol=1e-12)


def test_motifs_of_one_name_are_kept_apart(tmp_path):
    path = tmp_path / "db.meme"
    path.write_text(HEAD + "".join(f"MOTIF {name}\n{MATRIX}{row}\n" for name, row in [
        ("a", "1 0 0 0"), ("a", "0 1 0 0"), ("a (2)", "0 0 1 0"), ("a x", "0 0 0 1"), ("b x", "0 0 0 1"),
    ]))  # fmt: skip
    read = read_meme(path, Alphabet("ACGT"))
    assert {name: int(matrix.argmax()) for name, matrix in read.items()} == {
        "a": 0, "a (2)": 1, "a (2) (2)": 2, "a x": 3, "b x": 3,
    }  # fmt: skip


def test_defined_alphabets_have_their_columns_in_memes_order(tmp_path):
    path = tmp_path / "db.meme"
    path.write_text(
        "MEME version 5\nALPHABET\n1\n*\n0\nb\nA\nEND ALPHABET\nMOTIF a\n" + MATRIX + "1 0 0 0 0\n0 0 .5 0 .5\n"
    )
    read = read_meme(path, Alphabet("*10bA"))["a"]
    assert read.tolist() == [[0, 0, 0, 0, 1], [0.5, 0, 0.5, 0, 0]]


BROKEN = {
    "is not a MEME motif file": "hello\n",
    "has motifs of the letters ACDEFGHIKLMNPQRSTVWY; the model's are ACGT": (
        "MEME version 4\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n"
    ),
    "has no motif: no line begins with 'letter-probability matrix'": "MEME version 4\nALPHABET= ACGT\n",
    "line 3: the motif 'a' has no letter-probability matrix": HEAD + "MOTIF a\nMOTIF b\n" + MATRIX + "1 0 0 0\n",
    "line 4: the matrix of the motif 'a' is not whole; each of its rows needs 4 probabilities that sum to 1, and": (
        HEAD + "MOTIF a\n" + MATRIX + "1 0 0 0\n0 1 0\n"
    ),
    "and row 1 has not": HEAD + "MOTIF a\n" + MATRIX + "1.5 -.5 0 0\n",
    "not whole": HEAD + "MOTIF a\n" + MATRIX + "nan 0 0 1\n",
    "line 4: the matrix of the motif 'a' has 1 rows, not w= 2": HEAD
    + "MOTIF a\nletter-probability matrix: w= 2\n1 0 0 0\n",
    "has 2 rows, not w= 1": HEAD + "MOTIF a\nletter-probability matrix: w= 1\n1 0 0 0\n1 0 0 0\n",
    "has 0 rows": HEAD + "MOTIF a\n" + MATRIX,
    "has alength= 20, but there are 4 letters": HEAD + "MOTIF a\nletter-probability matrix: alength= 20\n1 0 0 0\n",
    "line 3: this matrix has no name; a line MOTIF NAME goes before it": HEAD + MATRIX + "1 0 0 0\n",
    "line 6: the motif 'a' has a second matrix": HEAD + "MOTIF a\n" + (MATRIX + "1 0 0 0\n") * 2,
    "line 2: the alphabet that begins here has no line END ALPHABET": "MEME version 5\nALPHABET DNA-LIKE\nA ~ T\n",
    "it is MEME's XML": '<?xml version="1.0"?>\n<MEME version="5.5.5">',
    "it is a web page": "<!DOCTYPE HTML>\n<html>",
    "it is in JASPAR's format": ">MA0001.1 AGL3\nA  [ 0 3 79 ]\nC  [94 75 4 ]\nG [1 0 3]\nT [2 19 11]\n",
    "it is a file of plain matrices (JASPAR or HOMER)": ">MA0001.1 AGL3\n0 3 79\n94 75 4\n1 0 3\n2 19 11\n",
    "it is in TRANSFAC's format": "AC  M1\nXX\nID  M1\nP0      A     C     G     T\n1  5 0 0 1\nXX\n//\n",
    "it is FASTA or another format": ">s\nACGT\n",
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_databases_are_refused_in_a_sentence(sentence, tmp_path):
    path = tmp_path / "db.meme"
    path.write_text(BROKEN[sentence])
    with pytest.raises(InputError) as caught:
        read_meme(path, Alphabet("ACGT"))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
