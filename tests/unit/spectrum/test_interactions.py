"""The strongest interactions and the sums of many sequences, against dense arrays."""

from itertools import combinations

import numba
import numpy as np
import pytest

from shapsketch.spectrum.indices import interaction_map
from shapsketch.spectrum.interactions import Sums, group_codes, strongest_interactions
from shapsketch.spectrum.terms import Terms

COUNT = 1500


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    supports = [s for k in (1, 2, 3, 4) for s in combinations(range(8), k) if rng.random() < 0.5]
    tables = {s: rng.normal(size=(3,) * len(s)) for s in supports[:-1]}
    waves = {supports[-1]: [((1, 2, 1, 1), 0.5 + 1j), ((2, 1, 2, 2), 0.5 - 1j)]}
    terms = Terms.build(np.full(8, 3), tables, waves)
    mapping = interaction_map(terms, "FSII", 2)
    codes = rng.integers(0, 3, (COUNT, 8)).astype(np.uint8)
    return terms, mapping, codes, mapping.apply(terms.dividends(codes)), rng.integers(-1, 3, COUNT)


@pytest.mark.parametrize("top_k", [1, 7, None])
@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_strongest_equal_a_full_sort(case, top_k, threshold):
    terms, mapping, codes, dense, _ = case
    found = strongest_interactions(terms, mapping, codes, top_k=top_k, threshold=threshold)
    for row in range(0, COUNT, 50):
        order = np.argsort(-np.abs(dense[row]), kind="stable")
        order = order[np.abs(dense[row, order]) >= threshold][:top_k]
        mine = found.rows == row
        assert found.columns[mine].tolist() == order.tolist()
        assert np.abs(found.values[mine] - dense[row, order]).max(initial=0) < 1e-12
    assert (np.diff(found.rows) >= 0).all()


def test_ties_go_to_the_lower_column_and_zeros_are_not_listed():
    table = np.array([[1.0, -1.0], [0.0, 0.0]])
    terms = Terms.build(np.full(3, 2), {(0, 1): table, (0, 2): -table, (1, 2): 0 * table})
    found = strongest_interactions(terms, interaction_map(terms, "STII", 2), np.zeros((1, 3), np.uint8), top_k=2)
    assert [interaction_map(terms, "STII", 2).supports[c] for c in found.columns] == [(0, 1), (0, 2)]
    nothing = strongest_interactions(terms, interaction_map(terms, "STII", 2), np.ones((2, 3), np.uint8), top_k=2)
    assert nothing.rows.size == 0


def test_sums_are_those_of_the_dense_values(case):
    terms, mapping, codes, dense, groups = case
    sums = Sums.empty(terms, mapping, 3)
    strongest_interactions(terms, mapping, codes, top_k=1, sums=sums, groups=groups)
    assert sums.counts.tolist() == [COUNT, *(int((groups == g).sum()) for g in range(3))]
    assert np.abs(sums.total[0] * sums.units - dense.sum(0)).max() < 1e-5
    assert np.abs(sums.absolute[2] * sums.units - np.abs(dense[groups == 1]).sum(0)).max() < 1e-5
    added = Sums.empty(terms, mapping, 3)
    added.add(dense, groups)
    assert np.abs(added.total - sums.total).max() <= COUNT  # rounded once each, maybe the other way


def test_sums_do_not_depend_on_pieces_or_threads(case):
    terms, mapping, codes, _, groups = case
    whole, pieces = Sums.empty(terms, mapping, 3), Sums.empty(terms, mapping, 3)
    threads = numba.get_num_threads()
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    strongest_interactions(terms, mapping, codes, top_k=3, sums=whole, groups=groups)
    numba.set_num_threads(1)
    for start in (1000, 0, 700):  # in any order
        rows = slice(start, {0: 700, 700: 1000, 1000: COUNT}[start])
        strongest_interactions(terms, mapping, codes[rows], top_k=3, sums=pieces, groups=groups[rows])
    numba.set_num_threads(threads)
    assert (whole.total == pieces.total).all()
    assert (whole.absolute == pieces.absolute).all()
    assert (whole.counts == pieces.counts).all()


def test_groups_are_numbered_by_name():
    assert group_codes(["b", "", "a"], ["a", "b"]).tolist() == [1, -1, 0]
