"""Random words by index: a pure function of (seed, stream, row), whatever order rows are asked for.

Built on the counter-based generator Philox 4x64 (Salmon et al., SC 2011), whose raw stream NumPy
guarantees not to change. A shard can make just its own rows, so no queries need to be stored and
results cannot depend on how the work was divided.
"""

import numpy as np

# The streams of a seed, one for each thing that is drawn.
QUERY_STREAM, MATRIX_STREAM, OFFSET_STREAM, TABLE_STREAM, BOOTSTRAP_STREAM = range(5)

_WORDS_PER_COUNT = 8  # one Philox count yields four 64-bit words


def random_words(seed: int, stream: int, start: int, stop: int, width: int) -> np.ndarray:
    """Return rows start..stop-1 of an endless table of independent uniform 32-bit words.

    Args:
        seed: 0 <= seed < 2**64, from the config.
        stream: names the table; different streams are independent.
        start, stop: the range of rows.
        width: words per row.

    Returns:
        (stop - start, width) uint32.
    """
    counts = -(-width // _WORDS_PER_COUNT)
    generator = np.random.Philox(key=np.array([seed, stream], np.uint64), counter=start * counts)
    raw = generator.random_raw((stop - start) * counts * 4)
    return raw.view("<u4").reshape(stop - start, counts * _WORDS_PER_COUNT)[:, :width]


def generator(seed: int, stream: int) -> np.random.Generator:
    """Return a generator for draws that are made once, in one place (bootstraps, permutations)."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, stream], np.uint64)))
