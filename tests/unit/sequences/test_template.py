"""Templates: symbols, counts, what is fixed and what is free."""

import re

import numpy as np
import pytest

from shapsketch.sequences.alphabet import UNKNOWN_CODE, Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.terms import Terms


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
