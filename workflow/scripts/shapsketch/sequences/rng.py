"""Random words by index: a pure function of (seed, stream, row), whatever order rows are asked for.

Built on the counter-based generator Philox 4x64 (Salmon et al., SC 2011), whose raw stream NumPy
guarantees not to change. A shard can make just its own rows, so no queries need to be stored and
results cannot depend on how the work was divided.
"""

import numpy as np

# The streams of a seed, one for each thing that is drawn.
QUERY_STREAM, MATRIX_STREAM, OFFSET_STREAM, TABLE_STREAM, BOOTSTRAP_STREAM, DISTINCT_STREAM = range(6)
MODEL_STREAM, STUDENT_STREAM, TYPICAL_STREAM, SEQLET_STREAM = range(6, 10)
COALITION_STREAM, CURVE_STREAM, PERMUTATION_STREAM, TRUTH_STREAM = range(10, 14)
INSTASHAP_STREAM, FASTSHAP_STREAM, FASTSHAP_CHECK_STREAM = range(20, 23)
MASK_STREAM, WALK_STREAM, PAIR_STREAM, EVERY_STREAM = range(16, 20)
CHECK_STREAM, NEAR_STREAM, TRAIN_STREAM = 23, 24, 25
MASK_SIZE_STREAM, MASK_STUDENT_STREAM = 30, 31
NULL_STREAM, SPLIT_STREAM, SEPARATION_STREAM, SEPARATION_SUBSET_STREAM = 50, 51, 52, 53
HAPLOTYPE_STREAM = 54
LETTER_STREAM, NOISE_STREAM = 36, 37
CLUSTER_STREAM = 60
ACTIVATION_STREAM, DICTIONARY_STREAM, PROBE_STREAM, STEERING_STREAM, CIRCUIT_STREAM = range(40, 45)
DESIGN_STREAM, DESIGN_LABEL_STREAM, DESIGN_NOISE_STREAM, NODE_STREAM = range(45, 49)

_WORDS_PER_COUNT = 8  # one Philox count yields four 64-bit words
_ROUNDS = 6  # of the Feistel network
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


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


def permuted(seed: int, stream: int, index: np.ndarray, size: int) -> np.ndarray:
    """Map distinct indices below `size` to distinct places below `size`, in a random-looking order.

    A Feistel network (Luby & Rackoff 1988) permutes the next even power of two; what falls beyond `size`
    goes round again (cycle walking; Black & Rogaway 2002). Nothing is stored: any index can be asked for alone.

    Args:
        seed, stream: name the permutation.
        index: (N,) integers, 0 <= index < size.
        size: at most 2**62.

    Returns:
        (N,) uint64.
    """
    half = np.uint64(max(1, -(-max(size - 1, 1).bit_length() // 2)))
    mask = (np.uint64(1) << half) - np.uint64(1)
    keys = random_words(seed, stream, 0, _ROUNDS, 2).astype(np.uint64)
    values = np.asarray(index).astype(np.uint64)
    beyond = np.ones(len(values), bool)
    while beyond.any():
        left, right = values[beyond] >> half, values[beyond] & mask
        for low, high in keys:
            left, right = right, left ^ (_mixed(right + low + (high << np.uint64(32))) & mask)
        values[beyond] = (left << half) | right
        beyond = values >= size
    return values


def _mixed(words: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele et al., OOPSLA 2014); wraps around on purpose."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def generator(seed: int, stream: int) -> np.random.Generator:
    """Return a generator for draws that are made once, in one place (bootstraps, permutations)."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, stream], np.uint64)))


def content_keys(seed: int, stream: int, codes: np.ndarray) -> np.ndarray:
    """Return a random-looking word for each row of codes, which depends on seed, stream and the row alone.

    Args:
        seed, stream: name the keys.
        codes: (N, n) uint8.

    Returns:
        (N,) uint64.
    """
    low, high = random_words(seed, stream, 0, 1, 2)[0].astype(np.uint64)
    keys = np.full(len(codes), low + (high << np.uint64(32)))
    for column in codes.T:
        keys = _mixed(keys * _GOLDEN + column.astype(np.uint64) + np.uint64(1))
    return keys


def keyed_words(key: np.uint64, start: int, stop: int, width: int) -> np.ndarray:
    """Return rows start..stop-1 of a key's endless table of uniform 32-bit words.

    The generator is SplitMix64 (Steele et al., OOPSLA 2014), started at the key; see `content_keys`.

    Returns:
        (stop - start, width) uint32.
    """
    index = np.arange(start * width + 1, stop * width + 1, dtype=np.uint64)
    words = _mixed(np.uint64(key) + index * _GOLDEN) >> np.uint64(32)
    return words.astype(np.uint32).reshape(stop - start, width)


def keyed_indices(key: np.uint64, numbers: np.ndarray, size: int) -> np.ndarray:
    """Return the entries of a key's endless table of uniform whole numbers below a size; see `keyed_words`.

    Args:
        key: of the table.
        numbers: (N,) int64, which entries.
        size: at most 2**40, for which the remainder of a 64-bit word is uniform to 1e-7.

    Returns:
        (N,) int64.
    """
    index = np.asarray(numbers).astype(np.uint64) + np.uint64(1)
    return (_mixed(np.uint64(key) + index * _GOLDEN) % np.uint64(size)).astype(np.int64)
