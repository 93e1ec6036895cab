"""Names of protein variants mean what mavehgvs says."""

import re

import numpy as np
import pytest
from mavehgvs import Variant as MaveVariant
from vcf_cases import PROTEIN

from shapsketch.variants.hgvs import LETTERS, UnreadableError, parse_protein
from shapsketch.variants.variant import Change


def three(letter):
    return next(word for word, one in LETTERS.items() if one == letter)


def test_names_of_proteins_mean_what_mavehgvs_says():
    rng = np.random.default_rng(2)
    for _ in range(60):
        a, b = sorted(rng.choice(len(PROTEIN) - 1, 2, replace=False).tolist())
        first, last, new = three(PROTEIN[a]), three(PROTEIN[b]), three(rng.choice(list("ACDEFGHIKLMNPQRSTVWY")))
        after = three(PROTEIN[a + 1])
        names = {
            f"p.{first}{a + 1}{new}": (a, PROTEIN[a], LETTERS[new]),
            f"p.{first}{a + 1}_{last}{b + 1}del": (a, PROTEIN[a : b + 1], ""),
            f"p.{first}{a + 1}del": (a, PROTEIN[a], ""),
            f"p.{first}{a + 1}_{last}{b + 1}delins{new}{first}": (a, PROTEIN[a : b + 1], LETTERS[new] + PROTEIN[a]),
            f"p.{first}{a + 1}_{after}{a + 2}ins{new}{last}": (a + 1, "", LETTERS[new] + PROTEIN[b]),
            f"p.{first}{a + 1}_{last}{b + 1}dup": (b + 1, "", PROTEIN[a : b + 1]),
        }
        for name, expected in names.items():
            if "Val1" in name or new == first:
                continue
            oracle = MaveVariant(name)
            places = oracle.positions if isinstance(oracle.positions, tuple) else (oracle.positions,)
            (change,) = parse_protein(name, PROTEIN)
            assert change == Change(*expected)
            assert {p.position for p in places} <= {a + 1, b + 1, a + 2}
            kind = oracle.variant_type
            inserted = oracle.sequence[-1] if isinstance(oracle.sequence, tuple) else oracle.sequence
            if kind in ("sub", "ins", "delins"):
                assert "".join(LETTERS[w] for w in re.findall("[A-Z][a-z]{2}", inserted)) == change.alt
            assert parse_protein(f"p.({name[2:]})", PROTEIN) == (change,) == parse_protein(f"NP_1.2:{name}", PROTEIN)


def test_lists_of_changes_and_what_cannot_be_read():
    a, b, c = PROTEIN[0], PROTEIN[6], PROTEIN[9]
    both = parse_protein(f"{b}7W:{a}1Y", PROTEIN)
    assert both == (Change(0, a, "Y"), Change(6, b, "W"))
    assert parse_protein(f"p.[{three(a)}1Tyr;{three(b)}7Trp]", PROTEIN) == both
    assert parse_protein("E4K:D3_E4insGG", "MKDEA") == (Change(3, "", "GG"), Change(3, "E", "K"))
    assert parse_protein("p.=", PROTEIN) == () == parse_protein(f"{c}10=", PROTEIN)
    assert parse_protein(f"{a}101Y", PROTEIN, first=101) == (Change(0, a, "Y"),)
    wrong = "W" if a != "W" else "Y"
    for name, sentence in {
        f"{wrong}1A": f"the sequence has {a} at position 1, not {wrong}",
        "A99C": "position 99 is not in the sequence, whose letters are numbered 1 to 30",
        f"{a}1fs": "a shift of the frame", "p.?": "unknown", "c.76A>T": "is no name of a protein variant",
        f"{a}1Y:{a}1W": "changes the same place twice",
    }.items():  # fmt: skip
        with pytest.raises(UnreadableError, match=re.escape(sentence)):
            parse_protein(name, PROTEIN)
