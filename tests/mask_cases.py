"""Games and models whose explanations by masks are known."""

import numpy as np

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template


def all_masks(m):
    return (np.arange(2**m)[:, None] >> np.arange(m)[::-1] & 1).astype(np.uint8)


def planted(m, count, orders, kind, seed=0):
    """A game of `count` random interactions, and their supports: products of players, or parities."""
    rng = np.random.default_rng(seed)
    supports = [tuple(sorted(rng.choice(m, rng.integers(*orders), replace=False).tolist())) for _ in range(count)]
    weights = rng.normal(size=count) + np.sign(rng.normal(size=count))

    def game(masks):
        parts = [masks[:, s].all(1) if kind == "product" else 1 - 2.0 * (masks[:, s].sum(1) % 2) for s in supports]
        return weights @ np.array(parts, float)

    return game, {tuple(s): w for s, w in zip(supports, weights, strict=True)}


TEMPLATE = Template(Alphabet("ACGT"), "N" * 30 + "GG" + "N" * 8)

SEQUENCE = "ACGTGATTACAGTCCATGCAAGTCCGTTAAGGACGTACGT"

LONG = Template(Alphabet("ACGT"), "N" * 60)


def by_segment(table, width):
    places = [c for c in table if c.startswith("pos_")]
    return table.iloc[0][places].to_numpy(float).reshape(-1, width).sum(1)
