"""Random words within compiled loops: the same table as `rng.keyed_words`, one word at a time."""

# mypy: disable-error-code="no-untyped-def"
import numba
import numpy as np


@numba.njit(cache=True, inline="always")
def random_word(key, counter):  # noqa: ANN001, ANN201
    """Return a uniform 32-bit word: SplitMix64 (Steele et al., OOPSLA 2014), started at the key."""
    word = key + np.uint64(counter + 1) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (word ^ (word >> np.uint64(31))) >> np.uint64(32)
