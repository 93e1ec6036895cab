"""How well a fit reproduces the value function, on masks that nothing else has used."""

from typing import Any

import numpy as np

from ..sequences.rng import BOOTSTRAP_STREAM, generator

MIN_VARIANCE = 1e-12  # of the values, of their squared mean: below it they are constant
RESAMPLES = 1000
# The scores of what is known exactly.
KNOWN: dict[str, Any] = {
    "r2": 1.0,
    "r2_interval": [1.0, 1.0],
    "r2_of_draws": 1.0,
    "noise_share": 0.0,
    "missed": 0.0,
    "missed_error": 0.0,
}


def score(first: np.ndarray, second: np.ndarray, guess: np.ndarray, seed: int) -> dict[str, Any]:
    """Score a fit on hold-out masks of one kind; see `MaskFit`.

    With two answers y, y' to each mask, whose noises are independent, E (y - g)(y' - g) is what the fit g misses of the
    value function, and Cov(y, y') the variance of the value function. Their ratio is an estimate, which noise may carry
    beyond 1; then it is 1. Where no variance stands out of the noise, R2 is NaN; among the resamples that counts as 0.

    Args:
        first, second: (N,) answers to each mask; the same ones twice without noise.
        guess: (N,) values of the fit.
        seed: of the resamples.

    Returns:
        `r2`, `r2_interval` (95 %), `r2_of_draws` (R2 of single answers), `noise_share` (of their variance), and what
        scores of several sequences are pooled from: `signal` and `missed`, the variances above, and `missed_error`, the
        standard error of `missed` less its share of `signal`.
    """
    centre = first.mean()  # large offsets must not cost digits
    first, second, guess = first - centre, second - centre, guess - centre
    draws = generator(seed, BOOTSTRAP_STREAM).integers(0, len(guess), (RESAMPLES, len(guess)))
    chosen = np.vstack([np.arange(len(guess)), draws])
    mean = ((first + second) / 2)[chosen].mean(1)
    products, squares = first * second, (first**2 + second**2) / 2
    residuals = (first - guess) * (second - guess)
    missed = residuals[chosen].mean(1)
    signal, total = (products[chosen].mean(1) - mean**2, squares[chosen].mean(1) - mean**2)
    known = signal > MIN_VARIANCE * (total + MIN_VARIANCE * centre**2)
    r2 = np.where(known, np.minimum(1 - missed / np.where(known, signal, 1.0), 1.0), np.nan)
    low, high = np.percentile(np.nan_to_num(r2[1:], nan=0.0), [2.5, 97.5])
    single = (((first - guess) ** 2 + (second - guess) ** 2) / 2).mean()
    share = 0.0 if np.isnan(r2[0]) else r2[0]
    error = np.std(residuals - (1 - share) * (products - mean[0] ** 2)) / np.sqrt(len(guess))
    return {
        "r2": float(r2[0]),
        "r2_interval": [float(low), float(high)] if known[0] else [np.nan, np.nan],
        "r2_of_draws": 1 - float(single) / float(total[0]) if total[0] > 0 else 1.0,
        "noise_share": float(np.clip(1 - signal[0] / total[0], 0, 1)) if total[0] > 0 else 0.0,
        "signal": float(signal[0]),
        "missed": float(missed[0]),
        "missed_error": float(error),
    }
