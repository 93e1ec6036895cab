"""Alphabets, templates and backgrounds."""

import re

import numpy as np
import pytest

from shapsketch.sequences.alphabet import UNKNOWN_CODE, Alphabet
from shapsketch.sequences.background import Background, background_from_config
from shapsketch.sequences.residues import residue_properties
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms


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


@pytest.mark.parametrize(
    ("letters", "pattern", "plain", "shown"),
    [
        ("ACGT", "N{12}GGN", "N" * 12 + "GGN", "N{12}GGN"),
        ("ACGT", "N{3}W{1}N{10}", "NNNWNNNNNNNNNN", "NNNWN{10}"),
        ("AC{}3", "A.{3}", "A.{3}", "A.{3}"),
    ],
)
def test_templates_that_count(letters, pattern, plain, shown):
    template = Template(Alphabet(letters), pattern)
    assert (template.pattern, template.n, str(template)) == (plain, len(plain), shown)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{3}N", "has a '{' that belongs to no count; write a symbol and how often it comes, as in N{145}"),
        ("NN}", "has a '}'"),
        ("N{x}", "has a '{'"),
        ("N{3}{2}", "has a '{'"),
        ("N{9999999}", "more than 1,000,000 positions"),
        ("N{0}", "template is empty"),
    ],
)
def test_counts_that_are_none(pattern, message):
    with pytest.raises(InputError, match=re.escape(message)):
        Template(Alphabet("ACGT"), pattern)


def test_template_symbols():
    template = Template(Alphabet("ACGT"), "NArW")
    assert template.sizes.tolist() == [4, 1, 2, 2]
    assert template.free.tolist() == [0, 2, 3]
    assert template.radix is None
    assert template.space == 16
    local = np.array([[3, 0, 1, 1]], np.uint8)
    assert template.alphabet.decode(template.to_alphabet(local)) == ["TAGT"]
    assert (template.to_local(template.to_alphabet(local)) == local).all()
    assert template.to_local(template.alphabet.encode(["TCGT"])).tolist() == [[3, UNKNOWN_CODE, 1, 1]]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("", "empty"), ("NNZ", "'Z' at position 3"), ("ACGT", "fixes every position, so .*; write 'N' or '.' for")],
)
def test_impossible_templates(pattern, message):
    with pytest.raises(InputError, match=message):
        Template(Alphabet("ACGT"), pattern)


@pytest.mark.parametrize(
    ("letters", "pattern", "sizes"),
    [
        ("ACGT", "N.nA", [4, 4, 4, 1]),
        ("ACDEFGHIKLMNPQRSTVWY*", "M..*", [1, 21, 21, 1]),
        ("ACGTN", "NN.*", [1, 1, 5, 5]),
        ("01", "0.*1", [1, 2, 2, 1]),
        ("*.", "*?.", [1, 2, 1]),
        ("acgt", "a.*c", [1, 4, 4, 1]),
        ("Aa", "aA*", [1, 1, 2]),
        ("RYKM", "RK*.", [1, 1, 4, 4]),
    ],
)
def test_what_is_a_letter_is_never_free(letters, pattern, sizes):
    template = Template(Alphabet(letters), pattern)
    assert template.sizes.tolist() == sizes
    fixed = template.sizes == 1
    codes = template.letter_codes[np.arange(template.n), 0]
    assert [letters[c] for c in codes[fixed]] == [s for s, one in zip(pattern, fixed, strict=True) if one]


def test_templates_of_any_letters_come_back_from_files(tmp_path):
    for letters, pattern in (("ACDEFGHIKLMNPQRSTVWY*", "*..M"), ("01", "0.*1"), ("'\"#,", "'..#")):
        background = Background.uniform(Template(Alphabet(letters), pattern))
        spectrum = Spectrum(background, "1", 2.5, Terms.build(background.template.sizes, {}), {})
        spectrum.save(tmp_path / "s.npz")
        assert Spectrum.load(tmp_path / "s.npz").template == background.template


def test_letters_that_no_alphabet_has_are_missing_whatever_they_are():
    assert Alphabet("AC?").encode(["A→?", "ÿ😀C"]).tolist() == [[0, UNKNOWN_CODE, 2], [UNKNOWN_CODE, UNKNOWN_CODE, 1]]


def test_backgrounds():
    template = Template(Alphabet("ACGT"), "NRA")
    uniform = Background.uniform(template)
    assert uniform.is_uniform
    assert uniform.probabilities[1].tolist() == [0.5, 0, 0.5, 0]
    frequencies = background_from_config(template, {"frequencies": {"A": 3, "C": 1, "G": 1, "T": 5}})
    assert frequencies.probabilities[:2].tolist() == [[0.3, 0.1, 0.1, 0.5], [0.75, 0, 0.25, 0]]
    assert not frequencies.is_uniform
    mutated = background_from_config(template, {"mutate": {"around": "CGA", "rate": 0.3}})
    assert np.allclose(mutated.probabilities[0], [0.1, 0.7, 0.1, 0.1])
    counted = background_from_config(template, {"from_sequences": {"queries": "q"}}, ["AAA", "AGA"])
    assert np.allclose(counted.probabilities[0], [3 / 6, 1 / 6, 1 / 6, 1 / 6])
    assert np.allclose(counted.probabilities[1], [0.5, 0, 0.5, 0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"frequencies": {"A": 1, "C": 1, "G": 1}}, "gives T at position 1 no probability"),
        ({"frequencies": {"A": 1, "U": 1}}, "name 'U'"),
        ({"mutate": {"around": "CG", "rate": 0.3}}, "of 2 letters; the template has 3"),
        ({"mutate": {"around": "CCA", "rate": 0.3}}, "'C' at position 2"),
        ("flat", "'flat' is not one of"),
    ],
)
def test_impossible_backgrounds(spec, message):
    with pytest.raises(InputError, match=message):
        background_from_config(Template(Alphabet("ACGT"), "NRA"), spec)


def test_residues_are_told_by_their_properties_whatever_their_order():
    template = Template(Alphabet("YWVTSRQPNMLKIHGFEDCA"), "XBK")
    table = residue_properties(template)
    assert table.shape == (3, 20, 7)
    assert table.dtype == np.float32
    assert np.allclose(table[0].mean(0), 0, atol=1e-6)
    assert np.allclose(table[0].std(0), 1, atol=1e-6)
    rows = {letter: table[0, k] for k, letter in enumerate("YWVTSRQPNMLKIHGFEDCA")}
    assert max(rows, key=lambda a: rows[a][0]) == "I"  # the most hydrophobic
    assert max(rows, key=lambda a: rows[a][1]) == "W"  # the largest
    assert {a for a in rows if rows[a][2] > 1} == set("KR")
    assert {a for a in rows if rows[a][2] < -1} == set("DE")
    assert {a for a in rows if rows[a][3] > 0} == set("FHWY")
    assert np.array_equal(table[1, :2], np.array([rows["N"], rows["D"]]))  # B, in the order of the alphabet
    assert np.array_equal(table[2, 0], rows["K"])
    assert not table[1, 2:].any()
    assert residue_properties(Template(Alphabet("ACGT"), "NNR")).shape == (3, 4, 0)
