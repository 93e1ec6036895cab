"""Backgrounds of whole sequences: shuffles that keep pairs exactly and fairly, stretches of files, and their games.

Covers also: shuffles, words.
"""

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from shapsketch.masks.explain import MaskExplainer, MaskSettings
from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.draws import Shuffles, configured_draws, read_draws
from shapsketch.sequences.rng import keyed_words
from shapsketch.sequences.shuffles import shuffled
from shapsketch.sequences.template import Template
from shapsketch.sequences.words import random_word
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.interaction_tables import Listing

DNA = Alphabet("ACGT")
KEY = np.uint64(7)


def test_words_of_compiled_loops_are_those_of_the_table():
    assert [random_word(KEY, k) for k in range(5)] == keyed_words(KEY, 0, 1, 5)[0].tolist()


@pytest.mark.parametrize(("letters", "n"), [(4, 2114), (20, 300), (4, 3), (2, 40), (1, 9)])
def test_every_pair_of_neighbours_is_kept(letters, n):
    codes = np.random.default_rng(n).integers(0, letters, n).astype(np.uint8)
    found = shuffled(codes, True, KEY, np.arange(50))
    pairs = lambda row: np.bincount(row[:-1].astype(int) * letters + row[1:], minlength=letters**2)  # noqa: E731
    assert all((pairs(row) == pairs(codes)).all() for row in found)
    assert (found[:, 0] == codes[0]).all() and (found[:, -1] == codes[-1]).all()
    if n > 100:
        assert len(np.unique(found, axis=0)) == 50
        assert (found != codes).mean() > 0.5  # no long stretch stays in its place


@pytest.mark.parametrize("pairs", [True, False])
def test_all_shuffles_are_equally_likely(pairs):
    text = "AACAGACA" if pairs else "AACGT"
    codes = DNA.encode([text])[0]
    wanted = {
        "".join(p)
        for p in permutations(text)
        if not pairs or (p[0] == text[0] and Counter(pairwise(p)) == Counter(pairwise(text)))
    }
    found = Counter(DNA.decode(shuffled(codes, pairs, KEY, np.arange(20_000))))
    assert found.keys() == wanted and len(wanted) > 8
    assert chisquare([found[w] for w in sorted(wanted)]).pvalue > 1e-3


def test_a_number_is_one_shuffle_whatever_is_asked_beside_it():
    codes = DNA.encode(["ACGTTGCAAGCTTACG"])[0]
    every = shuffled(codes, True, KEY, np.arange(30))
    assert (shuffled(codes, True, KEY, np.array([17, 3, 17])) == every[[17, 3, 17]]).all()
    assert (shuffled(codes, True, np.uint64(8), np.arange(30)) != every).any()


@pytest.fixture
def pool(tmp_path):
    path = tmp_path / "pool.fa"
    path.write_text(">long\nAACCggtta\n>short\nACG\n>exact\nTTTTTG\n>unknown\nNACGTA\n")
    return path


@pytest.mark.parametrize(
    ("cut", "stretches"),
    [
        ("centre", ["ACCGGT", "TTTTTG"]),
        ("start", ["AACCGG", "TTTTTG"]),
        ("end", ["CGGTTA", "TTTTTG"]),
        ("anywhere", ["AACCGG", "ACCGGT", "CCGGTT", "CGGTTA", "TTTTTG"]),
    ],
)
def test_longer_sequences_are_cut_by_rule(pool, cut, stretches):
    draws = read_draws(pool, Template(DNA, "N" * 6), cut)
    found = Counter(DNA.decode(draws.draw(KEY, np.arange(5000))))
    assert sorted(found) == stretches
    assert chisquare(list(found.values())).pvalue > 1e-3
    all_told = len(stretches) + 1
    assert draws.note.endswith(
        f"1 of its sequences are shorter and 1 of its {all_told} stretches have a letter that does not fit"
    )


def test_what_a_template_fixes_may_be_anything_and_what_it_forbids_may_not(pool):
    assert read_draws(pool, Template(DNA, "ANNNNN")).size == 3  # the N of the last one is where the template has A
    assert read_draws(pool, Template(DNA, "NNNNNS")).size == 1  # only ...G


def test_shares_of_g_and_c_are_matched(pool):
    draws = read_draws(pool, Template(DNA, "N" * 6), "anywhere", gc=0.17)
    codes = DNA.encode(["AATTGG"])[0]
    found = draws.around("x", codes)
    assert sorted(set(DNA.decode(found.draw(KEY, np.arange(200))))) == ["CGGTTA", "TTTTTG"]  # 2 +- 1 of 6
    with pytest.raises(InputError, match=r"none is: 'x' has 0\.000, they have 0\.167 to 0\.667; raise background"):
        read_draws(pool, Template(DNA, "N" * 6), "anywhere", gc=0.1).around("x", DNA.encode(["AATTAA"])[0])


@pytest.mark.parametrize(
    ("template", "text", "sentence"),
    [
        (
            "N" * 12,
            ">a\nACG\n>b\nACGT\n",
            "no sequence of the 12 letters that the background draws; the longest, 'b'",
        ),
        ("NNNN", ">a\nACGT\n>b\nACJT\n", r"record 2 \('b'\) has 'J' at position 3; the alphabet is ACGT"),
        ("NNNN", ">a\nNNNN\n", "none of its 1 stretches of 4 letters can be drawn"),
        ("NNNN", "", "holds no sequences"),
        ("SNNN", ">a\nACGT\n", "none of its 1 stretches of 4 letters"),
    ],
)
def test_files_that_cannot_be_drawn_from_are_refused(template, text, sentence, tmp_path):
    (tmp_path / "pool.fa").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_draws(tmp_path / "pool.fa", Template(DNA, template))


def test_shuffles_of_restricted_positions_are_refused():
    with pytest.raises(InputError, match="has 'S' at position 2, which not every letter fits"):
        configured_draws(Template(DNA, "ASN"), {"shuffle": {"keep": "pairs"}}, None, str)


def count_g(codes):
    """A model on codes: G's, and what neighbouring G and C do together, which shuffles keep."""
    return (codes == 2).sum(1) + 2.0 * ((codes[:, :-1] == 1) & (codes[:, 1:] == 2)).sum(1)


@pytest.mark.parametrize("kind", ["shuffle", "draws", "gc"])
def test_values_add_up_under_the_declared_background(kind, tmp_path):
    rng = np.random.default_rng(5)
    n, template = 24, Template(DNA, "N" * 24)
    texts = ["".join(rng.choice(list("ACGT"), n, p=[0.4, 0.1, 0.1, 0.4])) for _ in range(40)]
    (tmp_path / "pool.fa").write_text("".join(f">{k}\n{t}\n" for k, t in enumerate(texts)))
    sequence = "ACGTCGAATTCGGGATCCAATCGA"
    if kind == "shuffle":
        background = Shuffles(template, True)
        mean = count_g(DNA.encode([sequence]))[0]  # the letters and pairs of every shuffle are those of the sequence
    else:
        background = read_draws(tmp_path / "pool.fa", template, gc=0.25 if kind == "gc" else None)
        matched = background.around("x", DNA.encode([sequence])[0]).size
        assert (matched < 40) == (kind == "gc")
        share = [abs(sum(a in "GC" for a in t) / n - 12 / 24) <= 0.25 for t in texts]
        used = [t for t, fits in zip(texts, share, strict=True) if fits or kind == "draws"]
        assert matched == len(used)
        mean = count_g(DNA.encode(used)).mean()
    settings = MaskSettings(segments=3, budget=4000, estimator="regression")
    explainer = MaskExplainer(["y"], background, settings, Listing())
    model = Model({"kind": "callable", "function": lambda texts: count_g(DNA.encode(texts))}, template, ["y"], 512)
    answers, prediction = explainer.ask(model, "x", sequence)
    (tables,) = explainer.explain("x", sequence, answers, prediction)
    values, scores = tables["values"].to_pydict(), tables["scores"].to_pydict()
    total = sum(values[f"pos_{i + 1}"][0] for i in range(n))
    assert values["base_value"][0] + total == pytest.approx(prediction[0], abs=1e-4)
    assert abs(values["base_value"][0] - mean) < 4 * scores["base_error"][0] + 1e-9
    assert abs(scores["gap"][0]) < 4 * scores["gap_error"][0] + 1e-9
    assert scores["background_sequences"][0] == (None if kind == "shuffle" else matched)
