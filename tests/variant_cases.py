"""Variants of every kind on a small random genome, and a model whose answers depend on every letter."""

import numpy as np

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

WIDTH = 40


def random_letters(count, seed=0, letters="ACGT"):
    return "".join(np.random.default_rng(seed).choice(list(letters), count))


def toy_model(width=WIDTH, outputs=("up", "down"), letters="ACGT", seed=3, batch_size=7):
    """Single letters, products of neighbours and of distant letters: no two windows give the same."""
    rng = np.random.default_rng(seed)
    alphabet = Alphabet(letters)
    singles = rng.normal(size=(width, len(letters) + 1))

    def predict(sequences):
        codes = np.minimum(alphabet.encode(sequences), len(letters)).astype(int)
        x = np.take_along_axis(singles[None], codes[:, :, None], 2)[:, :, 0]
        up = x.sum(1) + (x[:, 1:] * x[:, :-1]).sum(1) + (x[:, : width // 2] * x[:, -(width // 2) :]).sum(1)
        return np.column_stack([up, np.tanh(up / 5)][: len(outputs)])

    template = Template(alphabet, alphabet.wildcard * width)
    return Model({"kind": "callable", "function": predict}, template, outputs, batch_size)


def by_hand(contig, start, width, changes, fill, strand):
    """The window with changes, cut from the whole changed contig: another way than the library's."""
    made = contig
    for position, ref, alt in sorted(changes, reverse=True):
        assert made[position : position + len(ref)] == ref
        made = made[:position] + alt + made[position + len(ref) :]
    shift = (len(made) - len(contig)) * (fill == "left")
    window = made[start + shift : start + shift + width]
    return window if strand == "+" else window[::-1].translate(str.maketrans("ACGT", "TGCA"))


def random_changes(contig, count, seed=1):
    """(kind, position, ref, alt): substitutions of one and more letters, insertions, deletions, both at once."""
    rng = np.random.default_rng(seed)
    made = []
    for k in range(count):
        kind = ("snv", "mnv", "insertion", "deletion", "delins")[k % 5]
        position = int(rng.integers(100, len(contig) - 100))
        removed = {"snv": 1, "mnv": 3, "insertion": 1, "deletion": int(rng.integers(2, 9)), "delins": 4}[kind]
        added = {"snv": 1, "mnv": 3, "insertion": int(rng.integers(2, 9)), "deletion": 1, "delins": 2}[kind]
        ref = contig[position : position + removed]
        alt = ref
        while alt == ref or (kind == "mnv" and alt[0] == ref[0]):
            alt = random_letters(added, int(rng.integers(1 << 30)))
        alt = ref[0] + alt[1:] if kind in ("insertion", "deletion") else alt
        made.append((kind, position, ref, alt))
    return made
