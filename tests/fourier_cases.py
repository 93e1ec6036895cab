"""Functions of few Fourier terms."""

import numpy as np


def random_words(q, n, order, count, seed):
    """(count, n) distinct frequencies of 1..order letters, one of each conjugate pair; and coefficients."""
    rng = np.random.default_rng(seed)
    chosen = {}
    while len(chosen) < count:
        size = rng.integers(1, order + 1)
        k = np.zeros(n, int)
        k[rng.choice(n, size, replace=False)] = rng.integers(1, q, size)
        chosen[min(tuple(k.tolist()), tuple((-k % q).tolist()))] = rng.normal() + 1j * rng.normal()
    k = np.array(sorted(chosen))
    f = np.array([chosen[tuple(row)] for row in k.tolist()])
    return k, np.where((2 * k % q == 0).all(1), f.real, f)


def evaluate(codes, k, f, q):
    """3 + sum over k of F[k] w^<k,x> and its conjugate."""
    weight = np.where((2 * k % q == 0).all(1), 1, 2)
    wave = np.exp(2j * np.pi / q * np.arange(q))
    return 3 + (wave[codes.astype(int) @ k.T % q] @ (weight * f)).real
