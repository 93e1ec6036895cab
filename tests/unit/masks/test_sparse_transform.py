"""Transforms of games: of all masks exactly, out of noise, and of a lattice's masks."""

import numpy as np
from mask_cases import all_masks

from shapsketch.masks.sparse_transform import denoised, exact, sparse
from shapsketch.sparse_fourier.subsampling import fit_lattice


def sums_of_signs(masks, terms):
    return sum(value * (1 - 2.0 * (masks[:, list(support)].sum(1) % 2)) for support, value in terms.items())


TERMS = {(): 1.5, (0,): -2.0, (1, 4): 0.75, (0, 2, 3): 1.0}


def found(parities):
    rows = [tuple(support[support < parities.players].tolist()) for support in parities.supports]
    return dict(zip(rows, parities.coefficients, strict=True))


def test_every_mask_gives_the_coefficients():
    values = found(exact(sums_of_signs(all_masks(6), TERMS)))
    assert values.keys() == TERMS.keys()
    assert max(abs(values[s] - TERMS[s]) for s in TERMS) < 1e-12


def test_noise_is_shrunk_and_what_is_there_stays():
    noise = np.random.default_rng(0).normal(0, 0.4, 1024)
    clean = sums_of_signs(all_masks(10), TERMS)
    values = found(denoised(clean + noise, 0.4**2 / 1024))
    assert max(abs(values[s] - TERMS[s]) for s in TERMS) < 0.06
    raw = found(exact(clean + noise))
    left = [sum((v - TERMS.get(s, 0)) ** 2 for s, v in made.items()) for made in (values, raw)]
    assert left[0] < 0.2 * left[1]
    assert found(denoised(clean, 0.0)).keys() == TERMS.keys()


def test_a_lattice_gives_them_without_all_masks():
    lattice = fit_lattice(2, 40, 3000)
    masks = lattice.queries(3, 0, lattice.size)
    parities, _ = sparse(lattice, 3, sums_of_signs(masks, TERMS | {(5, 6, 7, 8): 2.0}), 3)
    values = found(parities)
    assert max(abs(values[s] - TERMS[s]) for s in TERMS) < 1e-9
    assert max(map(len, values)) <= 3  # of no higher order than was asked for
