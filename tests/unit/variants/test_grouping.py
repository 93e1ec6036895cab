"""Which variants lie together on one chromosome.

Covers also: phasing.
"""

import pyarrow as pa
import pytest
from haplotype_cases import CONTIG, DNA, REFERENCE, gather, indel, other, snv

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.variants.grouping import OTHERS_OVERLAP, OVERLAPS, Haplotypes, from_table
from shapsketch.variants.haplotypes import HaplotypeAsker
from shapsketch.variants.phasing import UNPHASED
from shapsketch.variants.reading import Checker, Placing, stream_variants
from shapsketch.variants.tables import Columns
from shapsketch.variants.variant import Change, trimmed
from variant_cases import toy_model


def test_variants_of_one_chromosome_and_window_lie_together(tmp_path):
    lines = [
        snv(500, "0|1", "0|0"), snv(505, "1|0", "1|1"), snv(510, "0|1", "0|1"), snv(520, "1/1", "0/1"),
        snv(535, "0|1", "0|0"), snv(600, "1|1", "."), snv(610, "1|1", "0|0"), snv(900, "0|1", "0|0"),
    ]  # fmt: skip
    haplotypes, left_out = gather(tmp_path, lines)
    groups = {tuple(row["variant_ids"]): row for row in haplotypes.to_pylist()}
    assert set(groups) == {
        ("v500", "v510", "v520", "v535"), ("v505", "v520"), ("v505", "v510"), ("v600", "v610"),
    }  # fmt: skip
    assert groups["v600", "v610"]["carriers"] == 2 and groups["v600", "v610"]["samples"] == "mum|1,mum|2"
    assert groups["v505", "v510"]["samples"] == "dad|2"
    row = groups["v500", "v510", "v520", "v535"]
    centre = (499 + 535) // 2
    assert (row["start"], row["end"], row["positions"]) == (centre - 20, centre + 20, "500,510,520,535")
    assert left_out[["record", "variant_id", "genotypes", "reason"]].values.tolist() == [[6, "v520", 1, UNPHASED]]


def test_phase_sets_part_haplotypes_and_alike_genotypes_join_any(tmp_path):
    lines = [
        snv(500, "0|1:7", ".", form="GT:PS"), snv(503, "1/1", ".", form="GT"), snv(505, "0|1:7", ".", form="GT:PS"),
        snv(508, "0|1:9", ".", form="GT:PS"), snv(511, "0|1:9", ".", form="GT:PS"),
    ]  # fmt: skip
    haplotypes, _ = gather(tmp_path, lines, samples=["mum"])
    found = [row["variant_ids"] for row in haplotypes.to_pylist()]
    assert found == [["v500", "v503", "v505"], ["v503", "v508", "v511"]]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ({500: "0|1:.", 503: "0|1:7"}, []),  # without a phase set: one of their own
        ({500: "0|1:7", 502: "0|1:8", 504: "0|1:7"}, [([500, 504], 1)]),  # 502 is on this chromosome, or the other
        ({500: "0|1:7", 502: "0|1:8", 504: "0|1:7", 506: "1|0:8"}, [([500, 504], 1)]),
        ({500: "0|1:7", 502: "0|1:8", 504: "0|1:7", 506: "0|1:8"}, [([500, 504], 1), ([502, 506], 1)]),
        ({500: "1|1:.", 503: "0|1:7", 506: "0|1:8"}, [([500, 503], 0), ([500, 506], 1)]),
        ({500: "0|1:7", 503: "0|1:8", 506: "1|1:."}, [([500, 506], 1), ([503, 506], 0)]),
        (
            {500: "1|1", 502: "1/1", 504: "0|1", 590: "1|1", 592: "0|1:7"},
            [([500, 502], 0), ([500, 502, 504], 0), ([590, 592], 0)],
        ),
        ({500: "0|1:7", 530: "1|1:.", 545: "0|1:7", 550: "0|1:8"}, [([500, 530], 0), ([530, 550], 1)]),
        ({500: "0|1:7", 530: "1|1", 540: "0/1", 545: "0|1:7", 550: "0|1:8"}, [([500, 530], 0), ([530, 550], 2)]),
    ],
)
def test_phase_sets_are_told_apart(tmp_path, calls, expected):
    """Only what is alike on all chromosomes is of every phase set, and sets that alternate are not cut apart."""
    lines = [snv(p, call, ".", form="GT:PS") for p, call in calls.items()]
    haplotypes, _ = gather(tmp_path, lines, samples=["mum"])
    found = [([int(name[1:]) for name in row["variant_ids"]], row["missing"]) for row in haplotypes.to_pylist()]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("between", ["0/1", "1/0", ".|1", "0/0", "./."])
def test_a_genotype_that_is_not_phased_is_missing_on_either_chromosome(tmp_path, between):
    lines = [snv(500, "0|1", "1|1"), snv(502, between, "0|0"), snv(504, "0|1", "1|1"), snv(506, "0/1", "0|0")]
    haplotypes, left_out = gather(tmp_path, lines)
    missing = int("1" in between)
    expected = {("mum|2", missing), ("dad|1,dad|2", 0)} if missing else {("mum|2,dad|1,dad|2", 0)}
    assert {(row["samples"], row["missing"]) for row in haplotypes.to_pylist()} == expected
    assert left_out["variant_id"].tolist() == ["v502"] * missing + ["v506"]


def test_what_a_haplotype_lacks_is_counted(tmp_path):
    wrong = "\t".join(["c", "505", "x", other(CONTIG[504]), "<DEL>", ".", ".", ".", "GT", "0|1", "0|0"])
    star = wrong.replace("<DEL>", "*").replace("505", "506")
    haplotypes, _ = gather(
        tmp_path, [snv(500, "0|1", "0|0"), wrong, star, snv(510, "0|1", "0|0"), wrong.replace("505", "515")]
    )
    assert [(row["variant_ids"], row["missing"]) for row in haplotypes.to_pylist()] == [(["v500", "v510"], 1)]


def test_what_is_left_out_elsewhere_is_no_lack(tmp_path):
    """Before the first change and after the last, and on another contig: of one haplotype, whole in both parents."""
    wrong = "\t".join(["c", "505", "x", other(CONTIG[504]), "<DEL>", ".", ".", ".", "GT", "0|1", "0|0"])
    lines = [snv(500, "0|1", "1|0"), snv(510, "0|1", "1|0"), snv(600, "0|1", "0|0"), snv(610, "0|1", "0|0")]
    far = [wrong.replace("505", place) for place in ("100", "495", "590", "600", "1700")]
    haplotypes, _ = gather(tmp_path, sorted([*lines, *far], key=lambda line: int(line.split("\t")[1])))
    found = [(row["variant_ids"], row["carriers"], row["missing"]) for row in haplotypes.to_pylist()]
    assert found == [(["v500", "v510"], 2, 0), (["v600", "v610"], 1, 1)]
    elsewhere = wrong.replace("c\t505", "b\t505")
    haplotypes, _ = gather(tmp_path, [elsewhere, *lines[:2]])
    assert [(row["carriers"], row["missing"]) for row in haplotypes.to_pylist()] == [(2, 0)]
    haplotypes, _ = gather(tmp_path, [*lines[:2], wrong.replace("505", "600"), *lines[2:]])  # where a new group begins
    assert [row["missing"] for row in haplotypes.to_pylist()] == [0, 1]


def test_overlapping_variants_are_on_no_haplotype(tmp_path):
    lines = [indel(500, CONTIG[499:505], CONTIG[499], "0|1", "0|1"), snv(503, "0|1", "0|0"), snv(510, "0|0", "0|1")]
    haplotypes, left_out = gather(tmp_path, lines)
    assert [row["variant_ids"] for row in haplotypes.to_pylist()] == [["v500", "v510"]]
    assert left_out["variant_id"].tolist() == ["v500", "v503"] and set(left_out["reason"]) == {OVERLAPS}
    lines.insert(2, snv(504, "0|1", "0|0"))  # within the deletion, and not beside it in the file
    _, left_out = gather(tmp_path, [snv(498, "0|1", "0|0"), *lines, snv(512, "0|1", "0|0")])
    reasons = dict(zip(left_out["variant_id"], left_out["reason"], strict=True))
    assert [name for name, reason in reasons.items() if reason == OVERLAPS] == ["v500", "v503", "v504"]
    assert [name for name, reason in reasons.items() if reason == OTHERS_OVERLAP] == ["v498", "v512"]
    insertion = indel(500, CONTIG[499], CONTIG[499] + "GATTACA", "0|1", "0|0")
    haplotypes, _ = gather(tmp_path, [insertion, snv(500, "0|1", "0|0", name="snv")])  # one letter, and what follows it
    (row,) = haplotypes.to_pylist()
    assert row["variant_ids"] == ["snv", "v500"] and row["positions"] == "500,501"
    haplotypes, left_out = gather(tmp_path, [insertion, snv(501, "0|1", "0|0")])  # the letter behind what is inserted
    assert haplotypes["positions"].to_pylist() == ["501,501"] and left_out.empty
    assert haplotypes["ref"].to_pylist() == [f",{CONTIG[500]}"]
    assert trimmed(Change(4, "ACG", "AC")) == Change(6, "G", "") and trimmed(Change(4, "A", "AG")) == Change(5, "", "G")


DELETIONS = [indel(p, CONTIG[p - 1 : p + 8], CONTIG[p - 1], "0|1", "0|1") for p in (500, 511, 524)]
INSERTION = indel(520, CONTIG[519], f"{CONTIG[519]}GAT", "0|1", "0|1")


@pytest.mark.parametrize(
    ("lines", "placing", "gap", "words"),
    [
        (DELETIONS, Placing(), 558, " with all of its changes has 'N' at position 39, an ambiguous letter"),
        (DELETIONS, Placing("-", "left"), 473, " with all of its changes has 'N' at position 39, an ambiguous letter"),
        ([*DELETIONS[:2], INSERTION, DELETIONS[2]], Placing(), 558, " with its deletions has 'N' at position 39"),
    ],
)
def test_a_haplotype_whose_windows_the_model_cannot_read_is_left_out(tmp_path, lines, placing, gap, words):
    """Deletions together fill the window from further away than each does alone, and there is an N."""
    lines = [*lines, snv(1500, "0|1", "0|0"), snv(1510, "0|1", "0|0")]
    reference = GivenSequences({"c": f"{CONTIG[:gap]}N{CONTIG[gap + 1 :]}"})
    haplotypes, left_out = gather(tmp_path, lines, placing, reference=reference)
    assert [row["variant_ids"] for row in haplotypes.to_pylist()] == [["v1500", "v1510"]]
    assert left_out["variant_id"].tolist() == [line.split("\t")[2] for line in lines[:-2]]
    assert set(left_out["genotypes"]) == {2}
    (reason,) = set(left_out["reason"])
    assert reason.startswith(f"the window of its haplotype, c:496-536({placing.strand}){words}")
    asker = HaplotypeAsker(toy_model(), reference, placing)
    asker(haplotypes)
    haplotypes, left_out = gather(tmp_path, lines, placing, reference=reference, reads_unknown=True)
    assert haplotypes.num_rows == 2 and left_out.empty
    with pytest.raises(InputError, match="was asked about a sequence with an unknown letter at position 39"):
        asker(haplotypes)


def test_haplotypes_end_where_their_contig_does(tmp_path):
    haplotypes, left_out = gather(tmp_path, DELETIONS, reference=GivenSequences({"c": CONTIG[:558]}))
    assert not haplotypes.num_rows and left_out["variant_id"].tolist() == ["v500", "v511", "v524"]


@pytest.mark.parametrize(
    ("lines", "samples", "sentence"),
    [
        ([snv(500, "0|1", "0|0"), snv(400, "0|1", "0|0")], (), "line 4 .c:400. is behind line 3; haplotypes need"),
        ([snv(500, "0|1", "0|0")], ("nan",), "has no sample 'nan'; it has mum, dad"),
        ([snv(500, "0|3", "0|0")], (), "line 3 has the genotype '0.3' of mum, which names no allele of it"),
    ],
)
def test_what_keeps_haplotypes_from_being_read_is_told(tmp_path, lines, samples, sentence):
    with pytest.raises(InputError, match=sentence):
        gather(tmp_path, lines, samples=samples)


def test_tables_name_haplotypes_or_have_several_changes(tmp_path):
    path = tmp_path / "t.tsv"
    rows = [(700, "h1"), (500, "h2"), (510, "h1"), (505, "h2"), (515, "h1"), (900, "")]
    rows += [(905, ""), (910, "NA"), (915, "NA"), (920, "."), (925, ".")]  # on none
    text = "".join(f"c\t{p}\t{CONTIG[p - 1]}\t{other(CONTIG[p - 1])}\t{h}\n" for p, h in rows)
    path.write_text("contig\tposition\tref\talt\thaplotype\n" + text)
    checker = Checker(REFERENCE, DNA, Placing())
    kept = pa.concat_tables(t for t, _ in stream_variants(path, checker, columns=Columns()))
    found = Haplotypes(checker)
    from_table(kept.to_pylist(), found)
    haplotypes = [(row["haplotype"], row["positions"]) for row in found.tables()[0].to_pylist()]
    assert haplotypes == [("h1", "510,515"), ("h2", "500,505")]


def test_changes_of_one_row_are_called_by_the_numbers_of_the_file(tmp_path):
    path, sequence = tmp_path / "t.csv", "MKVLATGDWY"
    path.write_text("mutant\nM24A:L27R\n")
    template, protein = Template(Alphabet.from_config("protein"), "X" * 10), ("p", sequence)
    checker = Checker(GivenSequences({"p": sequence}, "X"), template, Placing(whole=True))
    ((kept, _),) = stream_variants(path, checker, columns=Columns(), protein=protein, first=24)
    found = Haplotypes(checker, first=24)
    from_table(kept.to_pylist(), found)
    (row,) = found.tables()[0].to_pylist()
    assert (row["haplotype"], row["variant_ids"], row["positions"]) == ("M24A:L27R", ["M24A", "L27R"], "1,4")
