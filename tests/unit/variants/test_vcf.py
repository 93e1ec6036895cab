"""VCF line by line: alleles, and what is broken."""

import pytest
from vcf_cases import CONTIG, HEADER, allele, read, vcf

from shapsketch.settings.errors import InputError
from shapsketch.variants.tables import Columns


def test_every_allele_of_a_line_is_a_row_or_has_its_reason(tmp_path):
    base = CONTIG[499]
    others = [a for a in "ACGT" if a != base]
    path = vcf(
        tmp_path,
        allele(500, base, ",".join(others), "multi"),
        *(allele(500, base, alt, f"x{k}") for k, alt in enumerate(["<DEL>", "*", "N[c:7[", "]c:7]N", f".{base}"])),
        *(allele(500, base, alt, f"x{k}") for k, alt in enumerate([".", "Q", base], 5)),
        allele(500, others[0], base, "wrong"),
        allele(2001, "A", "C", "outside"),
        allele(500, base, others[0], "contig", contig="d"),
        allele(3, None, None, "end"),
        allele(1997, None, None, "end"),
        allele(500, CONTIG[499:545], "A", "long"),
        allele(500, base, base + "A" * 30, "longer"),
        allele(600, CONTIG[599].lower(), "a" if CONTIG[599] != "A" else "c", "lower"),
        allele(500, ".", "A", "nothing"),
    )  # fmt: skip
    kept, dropped = read(path)
    assert kept["variant_id"].to_pylist() == ["multi"] * 3 + ["lower"]
    assert kept["allele"].to_pylist() == [1, 2, 3, 1]
    assert kept["alt"].to_pylist()[:3] == others
    reasons = dict(zip(dropped["variant_id"], dropped["reason"], strict=True))
    expected = {
        "x0": "the allele <DEL> is symbolic", "x1": "another line deletes this place",
        "x2": "breakend", "x3": "breakend", "x4": "breakend", "x5": "no alternative allele",
        "x6": "ALT is 'Q', which is not letters of DNA",
        "x7": "ALT is the same as REF", "wrong": f"REF is {others[0]}, and the genome has {base} there",
        "outside": "position 2001 is not in c, which has 2000 letters", "contig": "the genome has no contig 'd'",
        "end": "goes beyond c, which has 2000 letters", "long": "do not fit into the window",
        "longer": "do not fit into the window", "nothing": "REF is '.', which is not letters of DNA",
    }  # fmt: skip
    assert reasons.keys() == expected.keys()
    for name, text in expected.items():
        assert text in reasons[name], name
    wrong = dropped[dropped["variant_id"] == "wrong"].iloc[0]
    assert (wrong["record"], wrong["contig"], wrong["positions"], wrong["genome"]) == (12, "c", "500", base)


def test_a_point_is_no_label(tmp_path):
    places = zip((500, 600, 700, 800), ("CLASS=.", "CLASS=bad", "DB", "CLASS=na"), strict=True)
    kept, _ = read(vcf(tmp_path, *((*allele(p)[:7], info) for p, info in places)), columns=Columns("CLASS"))
    assert kept["label"].to_pylist() == ["", "bad", "", ""]


@pytest.mark.parametrize(
    ("number", "info", "labels"),
    [
        ("", "bad,good,.", ["bad", "good", ""]),
        ("A", "1,0,", ["1", "0", ""]),
        (".", "bad,bad,good", ["bad", "bad", "good"]),
        ("1", "bad,_a,_b", ["bad,_a,_b"] * 3),  # one value, whatever its commas
        (".", "bad,_low", ["bad,_low"] * 3),
        ("1", "bad", ["bad"] * 3),
    ],
)
def test_alleles_of_a_line_have_their_own_labels(tmp_path, number, info, labels):
    declared = f'##INFO=<ID=CLASS,Number={number},Type=String,Description="x,Number=9">\n' if number else ""
    base = CONTIG[499]
    one = (*allele(600)[:7], "CLASS=Pathogenic,_low_penetrance")  # as ClinVar has it
    three = (*allele(500, base, ",".join(a for a in "ACGT" if a != base))[:7], f"CLASS={info}")
    header = HEADER.replace("#CHROM", f"{declared}#CHROM")
    kept, _ = read(vcf(tmp_path, three, one, header=header), columns=Columns("CLASS"))
    assert kept["label"].to_pylist() == [*labels, "Pathogenic,_low_penetrance"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("c 500 . A C\n", "line 3 has 1 columns separated by tabs"),
        ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\nc\t5\t.\tA\tC\n", "names 10"),
        ("c\tx\t.\tA\tC\n", "line 3 has 'x' as its position"),
        ("", "holds no variants"),
    ],
)
def test_a_broken_vcf_is_told_in_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "calls.vcf"
    path.write_text((HEADER if text[:1] != "#" else HEADER[:21]) + text)
    with pytest.raises(InputError, match=sentence):
        read(path)
