"""The annotated VCF, read by bcftools."""

import shutil
import subprocess

import numpy as np
import pytest
from vcf_cases import CONTIG, HEADER, allele, read, vcf

from shapsketch.sequences.genome import GivenSequences
from shapsketch.settings.errors import InputError
from shapsketch.variants.annotated import keys_of, vcf_lines
from shapsketch.variants.effects import EffectAsker
from shapsketch.variants.reading import Placing
from variant_cases import random_changes, toy_model


@pytest.fixture
def bcftools():
    if not shutil.which("bcftools"):
        pytest.skip("bcftools is not installed (apt-get install bcftools)")

    def run(*arguments):
        done = subprocess.run(["bcftools", *map(str, arguments)], capture_output=True, text=True, check=True)
        assert not done.stderr, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("header", ["", "##fileformat=VCFv4.2\n", HEADER])
def test_the_annotated_vcf_is_read_by_bcftools_without_a_warning(tmp_path, bcftools, header):
    base = CONTIG[499]
    others = [a for a in "ACGT" if a != base]
    lines = [
        (*allele(500, base, f"{others[0]},<DEL>,{others[1]}", "multi")[:7], "AC=3;DB;X=a b"),
        (*allele(700, None, None, "single")[:6], "low", "."),
        allele(900, others[0] if CONTIG[899] != others[0] else others[1], "ACA", "wrong"),
    ]
    path = vcf(tmp_path, *lines, header=header or HEADER.replace("INFO\n", "INFO\tFORMAT\ts1\n"))
    if not header:
        text = path.read_text().replace("\tlow\t.", "\tlow\t.\tGT:DP\t0|1:7").replace("a b", "a\tGT\t0/1")
        path.write_text(f"{text.rstrip()}\tGT\t0/0\n")
    kept, _ = read(path)
    effects = EffectAsker(toy_model(outputs=("up", "a-b")), GivenSequences({"c": CONTIG}), Placing())(kept)
    made = tmp_path / "made.vcf"
    texts = vcf_lines(path, [effects.slice(0, 3), effects.slice(3)], ["up", "a-b"], {"c": 2000}, "test")
    made.write_text("".join(f"{line}\n" for line in texts))
    query = r"%ID\t%SHAPSKETCH_DELTA_up\t%SHAPSKETCH_ALT_a_b\t%SHAPSKETCH_LEFT_OUT\t%FILTER\n"
    rows = [line.split("\t") for line in bcftools("query", "-f", query, made).splitlines()]
    table = effects.to_pandas()
    deltas = table[table["output"] == "up"].set_index(["variant_id", "allele"])["delta"]
    first, _, third = rows[0][1].split(",")
    assert rows[0][1].split(",")[1] == "." and rows[0][3] == "1" and rows[1][3] == "."
    np.testing.assert_allclose([float(first), float(third)], deltas["multi"][[1, 3]], rtol=1e-5)
    assert float(rows[1][1]) == pytest.approx(deltas["single"][1], rel=1e-5)
    assert rows[1][4] == "low" and rows[2][1:4] == [".", ".", "1"]
    assert "##contig=<ID=c,length=2000>" in bcftools("view", "-h", made)
    again = tmp_path / "again.vcf"
    with pytest.raises(InputError, match="has changed: its line"):
        list(vcf_lines(made, [effects], ["up", "a-b"], {"c": 2000}, "test"))
    effects = EffectAsker(toy_model(outputs=("up", "a-b")), GivenSequences({"c": CONTIG}), Placing())(read(made)[0])
    again.write_text("".join(f"{line}\n" for line in vcf_lines(made, [effects], ["up", "a-b"], {"c": 2000}, "test")))
    assert bcftools("view", "-H", again) == bcftools("view", "-H", made)


def test_a_table_becomes_a_vcf_too(tmp_path, bcftools):
    path = tmp_path / "t.csv"
    changes = random_changes(CONTIG, 5)
    path.write_text("contig,position,ref,alt\n" + "".join(f"c,{p + 1},{r},{a}\n" for _, p, r, a in changes))
    effects = EffectAsker(toy_model(), GivenSequences({"c": CONTIG}), Placing())(read(path)[0])
    made = tmp_path / "made.vcf"
    lines = vcf_lines(path, [effects.slice(0, 4), effects.slice(4)], ["up", "down"], {"c": 2000}, "test")
    made.write_text("".join(f"{line}\n" for line in lines))
    rows = [
        line.split() for line in bcftools("query", "-f", r"%POS %REF %ALT %SHAPSKETCH_DELTA_down\n", made).splitlines()
    ]
    assert [row[:3] for row in rows] == [[str(p + 1), r, a] for _, p, r, a in changes]
    np.testing.assert_allclose([float(row[3]) for row in rows], effects["delta"].to_numpy()[1::2], rtol=1e-5)


def test_outputs_keep_names_of_their_own_in_info():
    assert keys_of(["a-b", "a_b", "up"]) == {"a-b": "a_b", "a_b": "a_b_2", "up": "up"}
