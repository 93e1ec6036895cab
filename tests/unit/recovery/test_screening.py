"""Candidates are all, or grown, or proposed."""

from recovery_cases import free_template
from shapsketch.recovery import screening
from shapsketch.recovery.screening import candidates
from shapsketch.sequences.background import Background


def test_candidates_are_all_or_grown_or_proposed():
    background = Background.uniform(free_template(4, 10))
    assert len(candidates(background, 3, {}, 120)) == 120
    grown = candidates(background, 3, {(0, 1): 4.0, (2, 3): 1.0}, 9, proposed=[(7, 8, 9), (1, 2)])
    assert len(grown) == 10
    assert {(0, 1, i) for i in range(2, 10)} | {(7, 8, 9)} <= set(grown)
    assert candidates(Background.uniform(free_template(20, 5)), 3, {}, 100) == []  # 8,000 cells


def test_no_more_supports_are_grown_than_memory_holds(monkeypatch):
    """The strongest; of 500 sites of two letters all pairs would have 62 million supersets."""
    background = Background.uniform(free_template(2, 20))
    below = {(i, i + 1): float(i) for i in range(19)}
    everything = candidates(background, 3, below, 1_000)
    assert len(everything) == len({tuple(sorted({i, i + 1, k})) for i in range(19) for k in {*range(20)} - {i, i + 1}})
    monkeypatch.setattr(screening, "MAX_GROWN", 2 * 20)
    assert candidates(background, 3, below, 1_000) == sorted(
        {tuple(sorted({i, i + 1, k})) for i in (17, 18) for k in {*range(20)} - {i, i + 1}}
    )
    monkeypatch.setattr(screening, "MAX_GROWN", 19 * 20)
    assert candidates(background, 3, below, 1_000) == everything
