"""Haplotypes: which variants lie together, and their values beside brute force."""

import subprocess
import sys
from itertools import combinations, permutations
from math import factorial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.variants.grouping import OVERLAPS, UNPHASED, Haplotypes, from_table, from_vcf
from shapsketch.variants.haplotypes import HaplotypeAsker, exact_values, pair_interactions
from shapsketch.variants.reading import Checker, Placing, stream_variants
from shapsketch.variants.scoring import spearman
from shapsketch.variants.tables import Columns
from shapsketch.variants.tables import wild_type as wild_type_of
from shapsketch.variants.variant import Change, trimmed
from variant_cases import WIDTH, by_hand, random_letters, toy_model

CONTIG = random_letters(2000)
REFERENCE = GivenSequences({"c": CONTIG})
DNA = Template(Alphabet("ACGT"), "N" * WIDTH)
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tmum\tdad\n"


def other(letter):
    return "A" if letter != "A" else "C"


def snv(position, *genotypes, name=None, form="GT"):
    ref = CONTIG[position - 1]
    return "\t".join(["c", str(position), name or f"v{position}", ref, other(ref), ".", ".", ".", form, *genotypes])


def indel(position, ref, alt, *genotypes):
    return "\t".join(["c", str(position), f"v{position}", ref, alt, ".", ".", ".", "GT", *genotypes])


def gather(tmp_path, lines, placing=None, samples=(), header=HEADER):
    path = tmp_path / "calls.vcf"
    path.write_text(header + "".join(f"{line}\n" for line in lines))
    placing = placing or Placing()
    pieces = stream_variants(path, Checker(REFERENCE, DNA, placing), columns=Columns())
    kept = pa.concat_tables(table for table, _ in pieces)
    found = Haplotypes(placing, WIDTH)
    from_vcf(path, kept.to_pylist(), found, samples)
    return found.tables()


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
    assert groups["v600", "v610"]["carriers"] == 2 and groups["v600", "v610"]["samples"] == "mum|2,mum|1"
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
    assert [row["variant_ids"] for row in haplotypes.to_pylist()] == [["v500", "v503", "v505"], ["v508", "v511"]]


def test_what_a_haplotype_lacks_is_counted(tmp_path):
    wrong = "\t".join(["c", "505", "x", other(CONTIG[504]), "<DEL>", ".", ".", ".", "GT", "0|1", "0|0"])
    star = wrong.replace("<DEL>", "*").replace("505", "506")
    haplotypes, _ = gather(
        tmp_path, [snv(500, "0|1", "0|0"), wrong, star, snv(510, "0|1", "0|0"), wrong.replace("505", "515")]
    )
    assert [(row["variant_ids"], row["missing"]) for row in haplotypes.to_pylist()] == [(["v500", "v510"], 1)]


def test_overlapping_variants_are_on_no_haplotype(tmp_path):
    lines = [indel(500, CONTIG[499:505], CONTIG[499], "0|1", "0|1"), snv(503, "0|1", "0|0"), snv(510, "0|0", "0|1")]
    haplotypes, left_out = gather(tmp_path, lines)
    assert [row["variant_ids"] for row in haplotypes.to_pylist()] == [["v500", "v510"]]
    assert left_out["variant_id"].tolist() == ["v500", "v503"] and set(left_out["reason"]) == {OVERLAPS}
    insertion = indel(500, CONTIG[499], CONTIG[499] + "GATTACA", "0|1", "0|0")
    haplotypes, _ = gather(tmp_path, [insertion, snv(500, "0|1", "0|0", name="snv")])  # one letter, and what follows it
    (row,) = haplotypes.to_pylist()
    assert row["variant_ids"] == ["snv", "v500"] and row["positions"] == "500,501"
    assert trimmed(Change(4, "ACG", "AC")) == Change(6, "G", "") and trimmed(Change(4, "A", "AG")) == Change(5, "", "G")


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
    text = "".join(f"c\t{p}\t{CONTIG[p - 1]}\t{other(CONTIG[p - 1])}\t{h}\n" for p, h in rows)
    path.write_text("contig\tposition\tref\talt\thaplotype\n" + text)
    kept = pa.concat_tables(t for t, _ in stream_variants(path, Checker(REFERENCE, DNA, Placing()), columns=Columns()))
    found = Haplotypes(Placing(), WIDTH)
    from_table(kept.to_pylist(), found)
    haplotypes = [(row["haplotype"], row["positions"]) for row in found.tables()[0].to_pylist()]
    assert haplotypes == [("h1", "510,515"), ("h2", "500,505")]


def brute_force(value, players):
    """Shapley values by all orders, and pair interactions by their definition."""
    values = np.zeros(players)
    for order in permutations(range(players)):
        before = frozenset()
        for player in order:
            values[player] += value(before | {player}) - value(before)
            before |= {player}
    pairs = np.zeros((players, players))
    for i, j in combinations(range(players), 2):
        rest = [k for k in range(players) if k not in (i, j)]
        for size in range(len(rest) + 1):
            for s in map(frozenset, combinations(rest, size)):
                weight = factorial(size) * factorial(players - size - 2) / factorial(players - 1)
                pairs[i, j] += weight * (value(s | {i, j}) - value(s | {i}) - value(s | {j}) + value(s))
    return values / factorial(players), pairs


@pytest.mark.parametrize(("strand", "fill"), [("+", "right"), ("-", "right"), ("-", "left")])
def test_values_are_those_of_brute_force_over_hand_made_windows(tmp_path, strand, fill):
    deletion, insertion = CONTIG[505:509], CONTIG[514] + "GAT"
    lines = [
        snv(500, "0|1", "0|0"), snv(503, "0|1", "0|0"), indel(506, deletion, deletion[0], "0|1", "0|0"),
        indel(515, CONTIG[514], insertion, "0|1", "0|0"), snv(519, "0|1", "0|0"),
    ]  # fmt: skip
    placing, model = Placing(strand, fill), toy_model()
    haplotypes, _ = gather(tmp_path, lines, placing)
    (row,) = haplotypes.to_pylist()
    assert len(row["variant_ids"]) == 5
    values, pairs = HaplotypeAsker(model, REFERENCE, placing)(haplotypes)
    values, pairs = values.to_pandas(), pairs.to_pandas()
    changes = [(int(c[1]) - 1, c[3], c[4]) for c in (line.split("\t") for line in lines)]

    for k, output in enumerate(model.outputs):

        def value(members, k=k):
            window = by_hand(CONTIG, row["start"], WIDTH, [changes[m] for m in members], fill, strand)
            return model(DNA.alphabet.encode([window]))[0, k]

        own, two = values[values["output"] == output], pairs[pairs["output"] == output]
        expected, interactions = brute_force(value, 5)
        np.testing.assert_allclose(own["shapley_value"], expected, atol=1e-9)
        np.testing.assert_allclose(two["interaction"], interactions[np.triu_indices(5, 1)], atol=1e-9)
        np.testing.assert_allclose(own["single"], [value({m}) - value(()) for m in range(5)], atol=1e-9)
        joint = value(range(5)) - value(())
        np.testing.assert_allclose(own["joint"], joint, atol=1e-9)
        np.testing.assert_allclose(own["shapley_value"].sum(), joint, atol=1e-9)
        np.testing.assert_allclose(own["beyond_singles"], joint - own["single"].sum(), atol=1e-9)
        assert own["standard_error"].isna().all() and (own["evaluations"] == 32).all()


def test_either_of_two_variants_is_enough():
    """The case of HBB's first intron: each alone takes 0.8 away, both together no more."""

    def donor(sequences):
        return [[1.0 if s[18:22] == "CAGG" else 0.1] for s in sequences]

    contig = "A" * 18 + "CAGG" + "A" * 18
    model = Model({"kind": "callable", "function": donor}, DNA, ["donor"])
    row = {"haplotype": "h", "contig": "c", "start": 0, "end": 40, "strand": "+", "variant_ids": ["a", "b"],
           "positions": "19,21", "ref": "C,G", "alt": "T,T", "carriers": 1, "samples": "", "missing": 0}  # fmt: skip
    values, pairs = HaplotypeAsker(model, GivenSequences({"c": contig}), Placing())(pa.Table.from_pylist([row]))
    np.testing.assert_allclose(values["shapley_value"], [-0.45, -0.45])
    np.testing.assert_allclose(values["single"], [-0.9, -0.9])
    np.testing.assert_allclose(values["beyond_singles"], [0.9, 0.9])
    np.testing.assert_allclose(pairs["interaction"], [0.9])


def test_many_variants_are_sampled_and_their_errors_shown():
    model = toy_model(outputs=("up",))
    positions = list(range(481, 519, 2))
    alts = [other(CONTIG[p - 1]) for p in positions]
    place = {"haplotype": "h", "contig": "c", "start": 480, "end": 520, "strand": "+", "carriers": 1, "samples": ""}
    row = place | {
        "missing": 0, "variant_ids": [f"v{p}" for p in positions], "positions": ",".join(map(str, positions)),
        "ref": ",".join(CONTIG[p - 1] for p in positions), "alt": ",".join(alts),
    }  # fmt: skip
    asker = HaplotypeAsker(model, REFERENCE, Placing(), 16, 2000, 5)
    values, pairs = (table.to_pandas() for table in asker(pa.Table.from_pylist([row])))
    assert len(values) == 19 and (values["method"] == "sampled").all()
    assert model.evaluations <= 2000 and (values["evaluations"] <= 2000).all()
    exact, _ = brute_pairs(model, positions, alts)
    np.testing.assert_allclose(values["shapley_value"].sum(), values["joint"][0], atol=1e-9)
    assert (np.abs(values["shapley_value"] - exact) <= 4 * values["standard_error"] + 1e-6).all()
    assert (pairs["r2"] > 0.99).all()
    again, _ = asker(pa.Table.from_pylist([row]))
    assert again.to_pandas().equals(values)


def brute_pairs(model, positions, alts):
    """Shapley values of a model of order two, from single and pairwise differences: exact for it."""
    window = list(CONTIG[480:520])

    def value(members):
        letters = window.copy()
        for m in members:
            letters[positions[m] - 481] = alts[m]
        return "".join(letters)

    count = len(positions)
    sets = [(), *((i,) for i in range(count)), *combinations(range(count), 2)]
    answers = dict(zip(sets, model(DNA.alphabet.encode([value(s) for s in sets]))[:, 0], strict=True))
    single = np.array([answers[(i,)] - answers[()] for i in range(count)])
    pairs = np.zeros((count, count))
    for i, j in combinations(range(count), 2):
        pairs[i, j] = pairs[j, i] = answers[i, j] - answers[(i,)] - answers[(j,)] + answers[()]
    return single + pairs.sum(1) / 2, pairs


def test_interactions_of_dividends_are_those_of_the_whole_cube():
    rng = np.random.default_rng(4)
    cube = rng.normal(size=(2,) * 5)
    dividends = cube.copy()
    for axis in range(5):
        absent, present = np.split(dividends, 2, axis)
        dividends = np.concatenate([absent, present - absent], axis)
    supports = [s for size in range(6) for s in combinations(range(5), size)]
    padded = np.array([[*s, *[5] * (5 - len(s))] for s in supports])
    amounts = np.array([dividends[tuple(int(i in s) for i in range(5))] for s in supports])
    np.testing.assert_allclose(pair_interactions(5, padded, amounts), exact_values(cube).interactions, atol=1e-12)


def test_values_do_not_depend_on_what_is_asked_together(tmp_path, monkeypatch):
    lines = [snv(p, "0|1", "1|0") for p in range(200, 1800, 7)]
    haplotypes, _ = gather(tmp_path, lines)
    asker = HaplotypeAsker(toy_model(), REFERENCE, Placing())
    whole = asker(haplotypes)
    monkeypatch.setattr("shapsketch.variants.haplotypes.WINDOWS_AT_ONCE", 100 * WIDTH)
    again = asker(haplotypes)
    for a, b in zip(whole, again, strict=True):
        pd.testing.assert_frame_equal(a.to_pandas(), b.to_pandas(), rtol=1e-12)


def test_gb1_epistasis_of_the_network_is_the_measured_one(shared, root, tmp_path):
    """Real double mutants: predictions and what two mutations do beyond the sum of each, beside the experiment's."""
    command = [sys.executable, root / "resources/sequences/gb1_doubles.py", shared / "landscape_gb1/gb1.parquet"]
    path = tmp_path / "doubles.csv"
    path.write_bytes(subprocess.check_output(command))
    table = pd.read_csv(path).set_index("mutant")
    wild_type = wild_type_of(path)
    template = Template(Alphabet.from_config("protein"), "X" * len(wild_type))
    source = {"kind": "torch", "architecture": "nn4dms_cnn", "layout": "channels_first"}
    model = Model(source | {"path": str(shared / "nn4dms_gb1/gb1_cnn_weights.npz")}, template, ["y"])
    reference, placing = GivenSequences({"sequence": wild_type}, "X"), Placing(whole=True)
    checker, protein = Checker(reference, template, placing), ("sequence", wild_type)
    pieces = stream_variants(path, checker, columns=Columns(score="DMS_score"), protein=protein)
    kept = pa.concat_tables(rows for rows, _ in pieces)
    assert kept.num_rows == len(table) == 2167
    found = Haplotypes(placing, template.n)
    from_table(kept.to_pylist(), found)
    haplotypes = found.tables()[0]
    values, pairs = HaplotypeAsker(model, reference, placing)(haplotypes)
    assert model.evaluations < 2 * len(table)  # the wild type and single mutants are asked once
    doubles = values.to_pandas().drop_duplicates("haplotype").set_index("haplotype")
    np.testing.assert_allclose(pairs["interaction"], doubles["beyond_singles"], atol=1e-9)
    measured = table["DMS_score"]
    whole = [name for name in doubles.index if all(part in measured for part in name.split(":"))]
    epistasis = [measured[name] - sum(measured[part] for part in name.split(":")) for name in whole]
    assert len(whole) > 2000
    assert spearman(doubles["joint"].to_numpy(), measured[doubles.index].to_numpy()) > 0.85
    assert spearman(doubles.loc[whole, "beyond_singles"].to_numpy(), np.array(epistasis)) > 0.5
