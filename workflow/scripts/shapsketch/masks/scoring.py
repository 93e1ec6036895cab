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


def score(values: np.ndarray, guesses: np.ndarray, answers: np.ndarray, seed: int) -> dict[str, Any]:
    """Score a fit on hold-out masks of one kind; see `MaskFit`.

    With two answers y, y' to each mask, whose noises are independent, and what the fit says of these answers, s and s',
    E (y - s)(y' - s') is what the fit misses of the value function. A fit that reads the letters of the draws tells
    most of their noise: with g and g' the fit's value of the mask, each from draws of its own, g + y - s is an answer
    with less noise, and the covariance of two such is the variance of the value function (control variates). The ratio
    of both is an estimate, which noise may carry beyond 1; then it is 1. Where no variance stands out of the noise, R2
    is NaN; among the resamples that counts as 0.

    Args:
        values: (2, N) answers to each mask; the same ones twice without noise.
        guesses: (2, N) values of the fit at each mask, from draws of their own where it draws.
        answers: (2, N) what the fit says of `values`; `guesses` where it does not know the draws.
        seed: of the resamples.

    Returns:
        `r2`, `r2_interval` (95 %), `r2_of_draws` (R2 of single answers), `noise_share` (of their variance), and what
        scores of several sequences are pooled from: `signal` and `missed`, the variances above, and `missed_error`, the
        standard error of `missed` less its share of `signal`.
    """
    centre, count = values[0].mean(), values.shape[1]  # large offsets must not cost digits
    values, guesses, left = values - centre, guesses - centre, values - answers
    draws = generator(seed, BOOTSTRAP_STREAM).integers(0, count, (RESAMPLES, count))
    chosen = np.vstack([np.arange(count), draws])
    quiet = guesses + left
    mean = quiet.mean(0)[chosen].mean(1)
    products, squares, residuals = quiet.prod(0), np.square(values).mean(0), left.prod(0)
    missed = residuals[chosen].mean(1)
    signal = products[chosen].mean(1) - mean**2
    total = squares[chosen].mean(1) - values.mean(0)[chosen].mean(1) ** 2
    known = signal > MIN_VARIANCE * (total + MIN_VARIANCE * centre**2)
    r2 = np.where(known, np.minimum(1 - missed / np.where(known, signal, 1.0), 1.0), np.nan)
    low, high = np.percentile(np.nan_to_num(r2[1:], nan=0.0), [2.5, 97.5])
    single = np.square(values - guesses).mean()
    share = 0.0 if np.isnan(r2[0]) else r2[0]
    error = np.std(residuals - (1 - share) * (products - mean[0] ** 2)) / np.sqrt(count)
    return {
        "r2": float(r2[0]),
        "r2_interval": [float(low), float(high)] if known[0] else [np.nan, np.nan],
        "r2_of_draws": 1 - float(single) / float(total[0]) if total[0] > 0 else 1.0,
        "noise_share": float(np.clip(1 - signal[0] / total[0], 0, 1)) if total[0] > 0 else 0.0,
        "signal": float(signal[0]),
        "missed": float(missed[0]),
        "missed_error": float(error),
    }
