"""Scale: values about 0 with a spread of about 1, so that no threshold depends on their unit or their offset.

The centre is one of the values and the unit a power of two. Dividing by it loses nothing, and neither does subtracting
an offset that is large beside the spread (Sterbenz 1974). So values that are shifted and multiplied, as far as they
can be without loss, give the same standardised values to the bit.
"""

from dataclasses import dataclass

import numpy as np

from ..settings.errors import InputError

# Differences of values that are explained: single precision holds a thousandth of them.
MIN_SPREAD, MAX_SPREAD = 1e-30, 1e30
ROUNDING_STEPS = 8  # steps of the precision that values may differ by and still be one value
MIN_SPREAD_STEPS = 20  # steps of the precision in the spread of values that are not


@dataclass(frozen=True)
class Scale:
    """What standardises values.

    Attributes:
        centre: in the model's units.
        unit: a power of two, in the model's units.
    """

    centre: float
    unit: float

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """The scale of (N,) float64 values, N at least 1: their lower median, and about their standard deviation."""
        middle = (len(values) - 1) // 2
        centre = float(np.partition(values, middle)[middle])
        if is_constant(values):
            return cls(centre, 1.0)
        apart = values - centre
        large = power_of_two(apart)
        return cls(centre, large * power_of_two(np.std(apart / large, keepdims=True)))

    def standardise(self, values: np.ndarray) -> np.ndarray:
        """Return (N,) float64 values about 0 with a spread of about 1."""
        return (values - self.centre) / self.unit


def power_of_two(values: np.ndarray) -> float:
    """Return the least power of two above all magnitudes of (...) values; 1 where there are none but zero."""
    largest = float(np.max(np.abs(values), initial=0.0))
    return float(np.ldexp(1.0, int(np.frexp(largest)[1]))) if largest > 0 else 1.0


def precision(values: np.ndarray) -> float:
    """Return the step between numbers of the precision that (...) values came in, at the largest of them.

    Values that single precision holds without loss came in single precision, for all one can tell.
    """
    largest = float(np.max(np.abs(values), initial=0.0))
    with np.errstate(over="ignore", under="ignore"):
        single = values.astype(np.float32)
    exact = bool((single == values).all())
    return float(np.spacing(np.float32(largest)) if exact else np.spacing(largest))


def is_constant(values: np.ndarray) -> bool:
    """Whether (N,) values are one value, to the rounding of their precision; so are none."""
    return len(values) == 0 or float(np.ptp(values)) <= ROUNDING_STEPS * precision(values)


def check_scale(values: np.ndarray, output: str) -> None:
    """Refuse values that cannot be told apart well enough, or whose squares would be lost.

    Args:
        values: (N,) float64.
        output: the name of the model's output, for the sentence.

    Raises:
        InputError: they vary too little beside their offset, or in units that are too small or too large.
    """
    if is_constant(values):
        return
    unit = power_of_two(values)
    spread, middle = float(np.std(values / unit)) * unit, float(np.median(values))
    if spread < MIN_SPREAD_STEPS * precision(values):
        single = precision(values) > float(np.spacing(np.max(np.abs(values))))
        raise InputError(
            f"The values of {output} differ by about {spread:.2g} beside {middle:.3g}, less than "
            f"{'single' if single else 'double'} precision can hold there: subtract the offset in your model."
        )
    if not MIN_SPREAD <= spread <= MAX_SPREAD:
        raise InputError(
            f"The values of {output} differ by about {spread:.2g}; differences from {MIN_SPREAD:g} to {MAX_SPREAD:g} "
            f"can be explained: multiply the values by about {1 / spread:.0e} in your model."
        )
