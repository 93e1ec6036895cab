"""Alignments in the formats in which they come, and the frequencies of their sites."""

import numpy as np
import pytest

from shapsketch.sequences.alignment import information_content, read_alignment
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.settings.errors import InputError

PROTEIN = Alphabet.from_config("protein")
ROWS = {"one/1-5": "GYVGS", "two": "GFDGF", "three": "GYDGF", "four": "GYQGG"}
FILES = {
    "plain.fa": "".join(f">{name} words\n{row}\n" for name, row in ROWS.items()),
    "gaps.fa": ">one/1-5\nG-YVGS\n>two\nGAFDGF\n>three\nG-YDGF\n>four\nGAYQGG\n",
    "small.a2m": ">one/1-5\nG.YVGS\n>two\nGaFDGF\n>three\nG.YDGF\n>four\nGaYQGG\n",
    "target_in_small_print.a2m": ">one/1-5\ngyVGS\n>two\ngfDGF\n>three\ngyDGF\n>four\ngyQGG\n",
    "small.a3m": ">one/1-5\nGYVGS\n>two\nGaFDGF\n>three\nGYDGF\n>four\nGaYQGGw\n",
    "blocks.sto": "# STOCKHOLM 1.0\n#=GF ID x\none/1-5 GYV\ntwo GFD\nthree GYD\nfour GYQ\n\n#=GC RF xxx\n"
    "one/1-5 GS\ntwo GF\nthree GF\nfour GG\n//\n",
}


@pytest.mark.parametrize("name", FILES)
def test_formats_say_the_same(tmp_path, name):
    (tmp_path / name).write_text(FILES[name])
    found = read_alignment(tmp_path / name, PROTEIN)
    assert found.target == "GYVGS"
    np.testing.assert_array_equal(found.codes, PROTEIN.encode(list(ROWS.values())))


def test_another_row_may_name_the_columns(tmp_path):
    (tmp_path / "a.fa").write_text(">a\nGAVK\n>b x\nG-VX\n")
    found = read_alignment(tmp_path / "a.fa", PROTEIN, "b")
    assert found.target == "GVX" and found.codes[:, 2].tolist() == [PROTEIN.encode(["K"])[0, 0], 20]


def test_weights_are_those_of_henikoff_and_henikoff(tmp_path):
    (tmp_path / "a.fa").write_text(FILES["plain.fa"])
    found = read_alignment(tmp_path / "a.fa", PROTEIN)
    np.testing.assert_allclose(found.weights() / 4, [4 / 15, 4 / 15, 0.2, 4 / 15])  # Durbin et al. 1998, page 128
    frequencies = found.frequencies(2.0)
    np.testing.assert_allclose(frequencies.sum(1), 1)
    code = PROTEIN.letters.index("D")
    assert frequencies[2, code] == pytest.approx((4 * (4 / 15 + 0.2) + 0.1) / 6)
    bits = information_content(found.frequencies(1e-12))
    assert bits[0] == pytest.approx(np.log2(20))
    p = np.array([4 / 15, 7 / 15, 4 / 15])
    assert bits[2] == pytest.approx(np.log2(20) + (p * np.log2(p)).sum())


def test_gaps_do_not_count(tmp_path):
    (tmp_path / "a.fa").write_text(">a\nGAV\n>b\nG--\n>c\n---\n")
    found = read_alignment(tmp_path / "a.fa", PROTEIN)
    assert np.isfinite(found.weights()).all() and found.weights()[2] == 0
    letters = found.frequencies(1.0).argmax(1)
    assert "".join(PROTEIN.letters[k] for k in letters) == "GAV"


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        (">a\nGAV\n>b\nGAVV\n", "", r"is no alignment: row 2 \(b\) has 4 columns, and a has 3"),
        (">a\nGAV\n", "b", "has no row 'b', which the config names; its first is 'a'"),
        ("GAV\n", "", "begins with 'GAV'; an alignment begins with >"),
        ("# STOCKHOLM 1.0\na G A\n", "", "line 2 is not a name and a row of the alignment"),
        ("# STOCKHOLM 1.0\n//\n", "", "holds no letters of the row"),
        (">a\n---\n", "", "holds no letters of the row"),
    ],
)
def test_what_is_no_alignment_is_told_in_a_sentence(tmp_path, text, name, sentence):
    (tmp_path / "a.fa").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_alignment(tmp_path / "a.fa", PROTEIN, name)
