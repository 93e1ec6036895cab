"""What is known of estimators by their names."""

from shapsketch.settings.estimators import CONSTANT, ESTIMATORS, EXACT_TREES, described


def test_the_cheapest_comes_first_and_needs_least_trust():
    tried = [name for name, estimator in ESTIMATORS.items() if estimator.by_itself]
    assert tried[0] == "exact"
    assert all(0 < ESTIMATORS[name].good_r2 <= 1 for name in tried)


def test_what_takes_the_place_of_an_estimator_is_described_too():
    assert described("regression") is ESTIMATORS["regression"]
    assert "mean" in described(CONSTANT).words
    assert "trees" in described(EXACT_TREES).words
    assert described("of a later version").words == "of a later version"
