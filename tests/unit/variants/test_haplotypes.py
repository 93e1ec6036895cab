"""Values of variants of one haplotype beside brute force."""

import io
import subprocess
import sys
from itertools import combinations, permutations
from math import factorial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from haplotype_cases import CONTIG, DNA, REFERENCE, gather, indel, other, snv

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.variants.grouping import Haplotypes, from_table
from shapsketch.variants.haplotypes import (
    HaplotypeAsker,
    check_masks,
    exact_values,
    missed_interactions,
    pair_interactions,
)
from shapsketch.variants.reading import Checker, Placing, stream_variants
from shapsketch.variants.scoring import spearman
from shapsketch.variants.tables import Columns
from shapsketch.variants.tables import wild_type as wild_type_of
from variant_cases import WIDTH, by_hand, toy_model


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
    exact, found = brute_pairs(model, positions, alts)
    rows, columns = np.triu_indices(19, 1)
    error = pairs["interaction"].to_numpy() - found[rows, columns]
    assert (np.abs(error) <= 5 * pairs["standard_error"] + 1e-6).all()
    np.testing.assert_allclose(values["shapley_value"].sum(), values["joint"][0], atol=1e-9)
    assert (np.abs(values["shapley_value"] - exact) <= 4 * values["standard_error"] + 1e-6).all()
    assert (pairs["r2"] > 0.99).all()
    again, _ = asker(pa.Table.from_pylist([row]))
    assert again.to_pandas().equals(values)


def test_haplotypes_of_more_variants_than_the_budget_is_for_are_sampled_all_the_same():
    positions, width = list(range(301, 941, 2)), 640
    place = {
        "haplotype": "h",
        "contig": "c",
        "start": 300,
        "end": 300 + width,
        "strand": "+",
        "carriers": 1,
        "samples": "",
    }
    refs = [CONTIG[p - 1] for p in positions]
    row = place | {
        "missing": 0, "variant_ids": [f"v{p}" for p in positions], "positions": ",".join(map(str, positions)),
        "ref": ",".join(refs), "alt": ",".join(map(other, refs)),
    }  # fmt: skip
    model = toy_model(width, ("up",), batch_size=1000)
    values, pairs = HaplotypeAsker(model, REFERENCE, Placing(), 16, 500)(pa.Table.from_pylist([row]))
    values = values.to_pandas()
    assert len(values) == 320 and pairs.num_rows == 320 * 319 // 2
    assert set(values["evaluations"]) == {100 + 100 + 2 + 320}  # checks and what is fitted, nobody and all, each alone
    np.testing.assert_allclose(values["shapley_value"].sum(), values["joint"][0], atol=1e-9)
    assert values["standard_error"].notna().all()


def test_what_a_fit_misses_of_interactions_is_estimated_with_its_error():
    """On a game with pairs and triples: no bias, and errors that are what the estimates spread by."""
    rng, k = np.random.default_rng(6), 6
    cube = rng.normal(size=(2,) * k)
    exact = exact_values(cube).interactions
    estimates, errors = [], []
    for seed in range(300):
        masks = check_masks(k, 400, seed)
        mean, error = missed_interactions(masks, cube[tuple(masks.T)])
        estimates.append(mean)
        errors.append(error)
    spread, pairs = np.std(estimates, axis=0), np.triu_indices(k, 1)
    bias = np.mean(estimates, axis=0) - exact
    assert (np.abs(bias[pairs]) < 4 * spread[pairs] / np.sqrt(300) + 0.03).all()
    np.testing.assert_allclose(np.mean(errors, axis=0)[pairs], spread[pairs], rtol=0.15)
    masks = check_masks(20, 21_000, 0)
    assert np.abs(np.bincount(masks.sum(1), minlength=21) - 1000).max() < 150 and np.ptp(masks.mean(0)) < 0.02


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
    found = Haplotypes(checker)
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
    for number, low, high in ((3, 0.6, 0.75), (4, 0.35, 0.5)):  # the network has seen none of these
        text = subprocess.check_output([*command, str(number), "400"], text=True)
        held_out = pd.read_csv(io.StringIO(text))
        assert (held_out["mutant"].str.count(":") == number - 1).all()
        predicted = model(template.alphabet.encode(held_out["mutated_sequence"].tolist()))[:, 0]
        assert low < spearman(predicted, held_out["DMS_score"].to_numpy()) < high
