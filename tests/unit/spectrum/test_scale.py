"""Scale: what is constant, what is refused, and that standardised values do not depend on unit and offset."""

import numpy as np
import pytest

from shapsketch.settings.errors import InputError
from shapsketch.spectrum.scale import Scale, check_scale, is_constant

VALUES = np.random.default_rng(0).integers(-4000, 4000, 999) / 1024.0  # exact beside offsets up to 2 ** 42


@pytest.mark.parametrize(("unit", "offset"), [(2.0**90, 0.0), (2.0**-90, 0.0), (1.0, 1e12), (4.0, -(2.0**40))])
def test_unit_and_offset_change_nothing(unit, offset):
    here, there = Scale.of(VALUES), Scale.of(unit * VALUES + offset)
    assert there.unit == unit * here.unit
    assert np.array_equal(there.standardise(unit * VALUES + offset), here.standardise(VALUES))
    assert 0.4 < here.standardise(VALUES).std() < 1.1
    assert here.centre + here.unit * here.standardise(VALUES) == pytest.approx(VALUES)


@pytest.mark.parametrize("value", [0.0, 5.0, 1e200, 1e-200, -1e13])
def test_constants_of_any_size(value):
    values = np.full(50, value)
    assert is_constant(values)
    check_scale(values, "y")
    assert np.array_equal(Scale.of(values).standardise(values), np.zeros(50))


def test_rounding_is_no_signal_and_small_signals_are():
    rng = np.random.default_rng(0)
    assert is_constant(1 + rng.integers(0, 4, 50) * np.spacing(1.0))
    assert is_constant((1 + rng.integers(0, 4, 50) * np.spacing(np.float32(1))).astype(np.float32).astype(float))
    assert not is_constant(1e13 + VALUES)
    assert not is_constant(1e-25 * VALUES)
    assert not is_constant(np.array([0.0, 1.0] * 20))
    assert is_constant(np.empty(0))


def test_what_cannot_be_held_is_refused_in_one_sentence():
    for offset in (0.0, 1e5, 1e10, 1e13):
        check_scale(offset + VALUES + 0.1, "y")
    with pytest.raises(InputError, match=r"values of y differ by about 2.* beside 1e\+15, less than double precision"):
        check_scale(1e15 + VALUES, "y")
    with pytest.raises(InputError, match=r"beside 1e\+08, less than single precision can hold there: subtract"):
        check_scale((1e8 + VALUES * 10).astype(np.float32).astype(float), "y")
    for unit in (1e200, 1e-200, 1e31):
        with pytest.raises(InputError, match=r"differences from 1e-30 to 1e\+30 can be explained: multiply"):
            check_scale(unit * VALUES, "y")
