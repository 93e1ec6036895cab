"""R2 in words: a headline is never better than its interval allows, and an undefined score says so."""

import math

import pytest

from shapsketch.fidelity.r2_words import full_r2, headline_r2, is_defined, percent


@pytest.mark.parametrize(
    ("r2", "low", "high", "text"),
    [
        (0.997, 0.9968, 0.9973, "0.997 (0.997 to 0.997)"),
        (1.0, 0.31, 1.0, "0.31 to 1.00 (estimate 1.000)"),
        (0.9997, 0.97, 1.0, "0.999 (0.970 to 1.000)"),
        (1 - 4e-30, 1 - 6e-30, 1.0, "1.000 (1.000 to 1.000)"),
        (0.4, -0.2, 0.6, "-0.20 to 0.60 (estimate 0.400)"),
        (-1.5e6, -2e6, -1e6, "-2e+06 to -1e+06 (estimate -1.5e+06)"),
        (0.82, None, None, "0.820"),
        (None, None, None, "undefined"),
        (math.nan, 0.1, 0.9, "undefined"),
        (None, 0.1, 0.9, "undefined"),
    ],
)
def test_headlines(r2, low, high, text):
    assert full_r2(r2, low, high) == text


def test_a_headline_is_never_better_than_its_interval():
    for hundredths in range(-100, 101):
        for r2 in (0.3, 0.9, 0.9994, 0.9996, 1.0):
            low = min(hundredths / 100, r2)
            shown = float(headline_r2(r2, low, 1.0).split(" to ")[0])
            assert shown <= max(low + 0.0501, 0.0) or shown <= low + 0.0506
            assert shown < 1 or low >= 0.9995


def test_percentages_stay_between_0_and_100():
    assert [percent(s) for s in (-3.0, 0.0, 0.754, 1.0, 112.2)] == ["0 %", "0 %", "75 %", "100 %", "100 %"]
    assert is_defined(0.5) and not is_defined(None) and not is_defined(math.inf)
