"""Vectors of planted features in superposition."""

from functools import cache

import numpy as np
import torch

from shapsketch.mechanism.training import Training, train
from shapsketch.models.dictionary import Dictionary
from shapsketch.models.sites import Site

WIDTH, FEATURES = 16, 24  # more features than numbers: superposition

SITES = ((Site("body", "out", 1, WIDTH, 0),), (Site("body", "out", 1, WIDTH, 0),))

SETTINGS = {"latents": 48, "k": 2, "steps": 300, "batch": 256, "rate": 0.04, "dead_after": 2000}


def planted(count, seed=0, width=WIDTH, features=FEATURES):
    """Sparse sums of known directions: (N, width) vectors, (N, features) codes, (features, width) directions."""
    draws = np.random.default_rng(seed)
    directions = np.random.default_rng(99).standard_normal((features, width))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    active = np.argsort(draws.random((count, features)), 1)[:, :2]
    codes = np.zeros((count, features))
    np.put_along_axis(codes, active, draws.uniform(0.5, 1.5, active.shape), 1)
    return (codes @ directions + 0.3).astype(np.float32), codes, directions


def at_random(site, latents=6):
    """An autoencoder of a site, of random weights."""
    w_enc, w_dec = torch.randn(2, site.width, latents, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(latents), torch.zeros(site.width)
    return Dictionary("sae", "relu", 0, (site,), (site,), (w_enc,), zeros[:1], ((w_dec.T,),), zeros[1:], (), {})


@cache
def fitted():
    """A dictionary of planted vectors, the vectors and the directions."""
    vectors, _, directions = planted(10_000)
    return train([vectors], [vectors], SITES, Training(**SETTINGS)), vectors, directions
