"""Alphabets: named, declared, folded; and letters that none has.

Covers also: settings/letters.
"""

import pytest

from shapsketch.sequences.alphabet import UNKNOWN_CODE, Alphabet
from shapsketch.settings.errors import InputError


@pytest.mark.parametrize(
    ("text", "letters", "kind", "wildcard"),
    [
        ("DNA", "ACGT", "DNA", "N"),
        ("RNA", "ACGU", "RNA", "N"),
        ("protein", "ACDEFGHIKLMNPQRSTVWY", "protein", "X"),
        ("ACTG", "ACTG", "DNA", "N"),
        ("01", "01", "custom", "*"),
        ("dna", "ACGT", "DNA", "N"),
        ("Protein", "ACDEFGHIKLMNPQRSTVWY", "protein", "X"),
        ("ACDEFGHIKLMNPQRSTVWY*", "ACDEFGHIKLMNPQRSTVWY*", "custom", "."),
        ("*.AC", "*.AC", "custom", "?"),
        ("*.?-_", "*.?-_", "custom", "0"),
    ],
)
def test_named_and_declared_alphabets(text, letters, kind, wildcard):
    alphabet = Alphabet.from_config(text)
    assert (alphabet.letters, alphabet.kind, alphabet.wildcard) == (letters, kind, wildcard)
    assert alphabet.decode(alphabet.encode([letters])) == [letters]


def test_the_declared_order_numbers_the_letters():
    assert Alphabet("ACTG").encode(["GATC"]).tolist() == [[3, 0, 2, 1]]


def test_case_is_folded_unless_it_means_something():
    assert Alphabet("ACGT").encode(["acgt"]).tolist() == [[0, 1, 2, 3]]
    assert Alphabet("Aa").encode(["aA"]).tolist() == [[1, 0]]
    assert Alphabet("ACGT").encode(["AN-é"]).tolist() == [[0, UNKNOWN_CODE, UNKNOWN_CODE, UNKNOWN_CODE]]


def test_nucleotide_alphabets_read_each_others_letters_and_proteins_do_not():
    assert Alphabet("ACGT").encode(["ACGUu"]).tolist() == [[0, 1, 2, 3, 3]]
    assert Alphabet("UGCA").encode(["TtGCA"]).tolist() == [[0, 0, 1, 2, 3]]
    assert Alphabet("ACGT").decode(Alphabet("ACGT").encode(["GAU"])) == ["GAT"]
    assert Alphabet.from_config("protein").encode(["U"]).tolist() == [[UNKNOWN_CODE]]


@pytest.mark.parametrize("letters", ["ACGT", "TCGA", "ACGU", "GUAC"])
def test_complements(letters):
    alphabet = Alphabet(letters)
    last = "U" if "U" in letters else "T"
    pairs = {"A": last, "C": "G", "G": "C", last: "A"}
    assert alphabet.decode(alphabet.complement[None]) == ["".join(pairs[a] for a in letters)]


@pytest.mark.parametrize("letters", ["A", "ACCG", "A C", "é1"])
def test_impossible_alphabets(letters):
    with pytest.raises(InputError, match="Alphabet"):
        Alphabet(letters)


def test_letters_that_no_alphabet_has_are_missing_whatever_they_are():
    assert Alphabet("AC?").encode(["A→?", "ÿ😀C"]).tolist() == [[0, UNKNOWN_CODE, 2], [UNKNOWN_CODE, UNKNOWN_CODE, 1]]
