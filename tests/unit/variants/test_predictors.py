"""What effects stand beside: baselines, effects by other models, and columns of the file.

Covers also: baselines, substitutions.
"""

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from Bio.Align import substitution_matrices

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.settings.errors import InputError
from shapsketch.variants.baselines import Sites, baselines
from shapsketch.variants.predictors import column_predictors, effects_by_name, put_together, variants_of
from shapsketch.variants.substitutions import BLOSUM62, LETTERS

PROTEIN = Alphabet.from_config("protein")
ALIGNMENT = ">family\nAWKV\n>b\nAWRV\n>c\nAWRI\n>d\nGW-I\n"


def table_of(*changes):
    columns = zip(*changes, strict=True)
    return pd.DataFrame(dict(zip(("positions", "ref", "alt"), columns, strict=True))).assign(contig="c")


def test_baselines_are_what_they_are_called():
    matrix = substitution_matrices.load("BLOSUM62")
    assert all(BLOSUM62[a, b] == matrix[a, b] for a in LETTERS for b in LETTERS)
    found = baselines(table_of(("3", "A", "V"), ("3,7", "A,W", "V,C"), ("3", "A", "")), True)
    assert found["changes"].tolist() == [-1, -2, -1]
    np.testing.assert_allclose(found["blosum62"], [0 - 4, 0 - 4 - 2 - 11, np.nan])
    np.testing.assert_allclose(found["hydropathy"], [-2.4, -2.4 - 3.4, np.nan])
    assert baselines(table_of(("1", "A", "C")), False).keys() == {"changes"}
    pairs = [("A", "G"), ("A", "AT"), ("AT", "A"), ("ACGT", "ACGA"), ("CAG", "TAG"), ("TAA", "TA"), ("ACG", "TCT")]
    found = baselines(table_of(*(("5", *pair) for pair in pairs)), False)
    assert found["changes"].tolist() == [-1] * 6 + [-3]


def test_site_frequencies_and_conservation_are_those_of_the_alignment(tmp_path):
    (tmp_path / "a.fa").write_text(ALIGNMENT)
    sites = Sites.read(tmp_path / "a.fa", "MAWKVM", PROTEIN, pseudocount=0.5)
    f = pd.DataFrame(sites.frequencies, columns=list(PROTEIN.letters), index=[2, 3, 4, 5])
    table = table_of(
        ("4", "K", "R"), ("3,5", "W,V", "C,I"), ("1", "M", "A"), ("4", "K", ""), ("5", "", "A"), ("4", "K", "X")
    )
    found = baselines(table, True, sites)
    expected = [np.log(f["R"][4] / f["K"][4]), np.log(f["C"][3] / f["W"][3] * f["I"][5] / f["V"][5])]
    np.testing.assert_allclose(found["site_frequencies"], [*expected, *[np.nan] * 4])
    assert found["site_frequencies"][0] > 0 > found["site_frequencies"][1]
    bits = np.log2(20) + (f * np.log2(f)).sum(axis=1)
    np.testing.assert_allclose(
        found["conservation"], [-bits[4], -bits[3] - bits[5], np.nan, -bits[4], np.nan, -bits[4]]
    )


@pytest.mark.parametrize(
    ("sequence", "name", "sentence"),
    [
        ("AWKI", "", "first row of .*a.fa is not the sequence that the variants change: it has V at position 4, and "
                     "that sequence I"),
        ("AWK", "", "it has 4 letters, which are no part of that sequence of 3"),
        ("AWKVAWKV", "", "is found in several places"),
        ("AWKV", "c", "The row 'c' of .*a.fa is not the sequence that the variants change"),
    ],
)  # fmt: skip
def test_an_alignment_must_be_that_of_the_sequence(tmp_path, sequence, name, sentence):
    (tmp_path / "a.fa").write_text(ALIGNMENT)
    with pytest.raises(InputError, match=sentence):
        Sites.read(tmp_path / "a.fa", sequence, PROTEIN, name)


def test_conservation_of_a_genome_is_read_from_a_bigwig(tmp_path):
    path = tmp_path / "phylop.bw"
    with pyBigWig.open(str(path), "w") as track:
        track.addHeader([("c", 100)])
        track.addEntries("c", 10, values=[1.0, 2.0, 4.0, 8.0], span=1, step=1)
    table = table_of(("11", "A", "C"), ("11", "AAC", "A"), ("12", "A", "AT"), ("50", "A", "C"), ("101", "A", "C"))
    found = baselines(table, False, track=path)
    np.testing.assert_allclose(found["conservation"], [-1, -3, -3, np.nan, np.nan])
    with pytest.raises(InputError, match="has no value at any of the variants; its contigs are c"):
        baselines(table.assign(contig="chrc"), False, track=path)
    (tmp_path / "bad.bw").write_text("no")
    with pytest.raises(InputError, match="cannot be read as a bigWig"):
        baselines(table, False, track=tmp_path / "bad.bw")


def test_effects_by_several_models_meet_by_record_and_allele():
    keys = {"record": [1, 1, 1, 1, 2, 2], "allele": [1, 1, 2, 2, 1, 1]}
    first = pd.DataFrame({**keys, "output": ["a", "b"] * 3, "delta": [1.0, 10, 2, 20, 3, 30]})
    second = pd.DataFrame({"record": [2, 1, 9], "allele": [1, 2, 1], "output": "y", "delta": [0.3, 0.2, 0.9]})
    found = effects_by_name({"m": first, "n": second})
    assert list(found) == ["m.a", "m.b", "n"]
    np.testing.assert_array_equal(found["m.b"], [10, 20, 30])
    np.testing.assert_array_equal(found["n"], [np.nan, 0.2, 0.3])
    assert list(effects_by_name({"m": first})) == ["a", "b"]
    assert len(variants_of(first)) == 3


def test_predictions_of_the_file_are_read_by_row_and_allele(tmp_path):
    (tmp_path / "t.csv").write_text("mutant,esm,note\nA1C,0.5,x\nA1D,,y\nA1E,-2e1,z\n")
    variants = pd.DataFrame({"record": [3, 1], "allele": 1})
    np.testing.assert_array_equal(column_predictors(tmp_path / "t.csv", ["esm"], variants)["esm"], [-20, 0.5])
    with pytest.raises(InputError, match="has no column 'esn'"):
        column_predictors(tmp_path / "t.csv", ["esn"], variants)
    with pytest.raises(InputError, match="row 1 has 'x' in column 'note'; a number is needed"):
        column_predictors(tmp_path / "t.csv", ["note"], variants)
    lines = ["##fileformat=VCFv4.2", "c\t1\t.\tA\tC,G\t.\t.\tAM=0.1,.;CADD=7", "c\t2\t.\tA\tC\t.\t.\tCADD=9"]
    (tmp_path / "v.vcf").write_text("\n".join(lines) + "\n")
    variants = pd.DataFrame({"record": [2, 2, 3], "allele": [1, 2, 1]})
    found = column_predictors(tmp_path / "v.vcf", ["AM", "CADD"], variants)
    np.testing.assert_array_equal(found["AM"], [0.1, np.nan, np.nan])
    np.testing.assert_array_equal(found["CADD"], [7, 7, 9])
    with pytest.raises(InputError, match="has no INFO key 'REVEL'"):
        column_predictors(tmp_path / "v.vcf", ["REVEL"], variants)
    assert column_predictors(tmp_path / "v.vcf", [], variants) == {}


def test_two_predictors_of_one_name_are_told_apart():
    with pytest.raises(InputError, match="the name 'blosum62'; that is a baseline's: rename the column"):
        put_together({"y": np.zeros(1)}, {"blosum62": np.zeros(1)}, {"blosum62": np.zeros(1)})
