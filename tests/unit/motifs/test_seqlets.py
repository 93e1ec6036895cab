"""Seqlets: planted stretches are found anywhere, in every alphabet, turned where asked, and not in noise.

Covers also: seqlet_motifs.
"""

import numpy as np
import pytest
from motif_cases import template_of

from shapsketch.motifs.reading import Chunk
from shapsketch.motifs.seqlet_motifs import cluster_seqlets
from shapsketch.motifs.seqlets import SeqletFinder


def chunk_of(template, texts, values, first=0):
    codes = template.alphabet.encode(texts)
    rows = first + np.arange(len(texts))
    groups = np.full(len(texts), -1)
    return Chunk(rows, [f"s{r}" for r in rows], texts, codes, codes, values, values.sum(1), groups)


def planted(letters, n, motifs, count=400, seed=0):
    """Sequences with noise, and stretches that contribute where they were put: (motif, row, start, strand)."""
    template = template_of(letters, n)
    draws = np.random.default_rng(seed)
    alphabet = template.alphabet
    codes = draws.integers(0, alphabet.q, (count, n)).astype(np.uint8)
    values = 0.05 * draws.normal(size=(count, n))
    sites = []
    for k, (word, strength, minus) in enumerate(motifs):
        for row in np.flatnonzero(draws.random(count) < 0.5).tolist():
            start = int(draws.integers(k * n // len(motifs), (k + 1) * n // len(motifs) - len(word)))
            own = alphabet.encode([word])[0]
            turned = minus and draws.random() < 0.5
            own = alphabet.complement[own][::-1] if turned else own
            codes[row, start : start + len(word)] = own
            values[row, start : start + len(word)] += strength * draws.uniform(0.8, 1.2)
            sites.append((k, row, start, turned))
    return template, chunk_of(template, alphabet.decode(codes), values), sites


CASES = {
    "DNA": ("DNA", 120, [("TGACTCA", 0.5, False), ("GGGCGG", 0.5, False), ("TTTTTT", -0.5, False)]),
    "RNA": ("RNA", 100, [("UGUANAUA".replace("N", "C"), 0.5, False)]),
    "protein": ("protein", 80, [("WDKRF", 1.0, False), ("PPEY", -1.0, False)]),
}


def matched(motif, own):
    """Precision and recall of the members' places, whichever column of the motif the stretch begins at."""
    found = set(zip(motif.rows.tolist(), motif.starts.tolist(), strict=True))
    hits = max(len({(row, start + shift) for row, start in found} & own) for shift in range(-2, 3))
    return hits / len(found), hits / len(own)


@pytest.mark.parametrize("kind", CASES)
def test_planted_stretches_are_found(kind):
    letters, n, motifs = CASES[kind]
    template, chunk, sites = planted(letters, n, motifs)
    finder = SeqletFinder(n, 0)
    finder.add(chunk)
    found = cluster_seqlets(finder.result(), n, template.alphabet.q, None, 20)
    assert len(found) == len(motifs)
    for k, (word, strength, _) in enumerate(motifs):
        own = {(row, start) for number, row, start, _ in sites if number == k}
        best = max(found, key=lambda motif: matched(motif, own))
        precision, recall = matched(best, own)
        assert precision >= 0.95 and recall >= 0.95
        core = "".join(template.alphabet.letters[a] for a in best.frequencies.argmax(1))
        assert word in core and len(core) <= len(word) + 2
        assert np.sign(best.sums.mean()) == np.sign(strength)
        assert best.core.sum() == len(word)


def test_both_strands_are_one_motif_when_asked():
    template, chunk, sites = planted("DNA", 100, [("GGACATT", 0.5, True)])
    finder = SeqletFinder(100, 0)
    finder.add(chunk)
    alone = cluster_seqlets(finder.result(), 100, 4, None, 20)
    both = cluster_seqlets(finder.result(), 100, 4, template.alphabet.complement, 20)
    assert len(alone) == 2 and len(both) == 1
    truth = {(row, start): turned for _, row, start, turned in sites}
    hits = [
        (truth[(row, start)], minus)
        for row, start, minus in zip(both[0].rows, both[0].starts, both[0].minus, strict=True)
        if (row, start) in truth
    ]
    assert len(hits) >= 0.95 * len(truth)
    assert len({a ^ b for a, b in hits}) == 1  # all of one strand are read alike
    located = both[0].sites(chunk)
    for row, start, stop, minus in zip(located.rows, located.starts, located.stops, located.minus, strict=True):
        text = chunk.codes[row, start:stop]
        turned = template.alphabet.complement[text][::-1] if minus else text
        consensus = both[0].frequencies.argmax(1)
        assert (turned == consensus).mean() > 0.6


def test_stretches_at_the_ends_are_found():
    template = template_of("DNA", 60)
    draws = np.random.default_rng(0)
    codes, values = draws.integers(0, 4, (200, 60)).astype(np.uint8), 0.05 * draws.normal(size=(200, 60))
    codes[:100, -5:] = template.alphabet.encode(["GCCAC"])
    values[:100, -5:] += 0.5
    codes[100:, :5] = template.alphabet.encode(["TATAA"])
    values[100:, :5] += 0.5
    finder = SeqletFinder(60, 0)
    finder.add(chunk_of(template, template.alphabet.decode(codes), values))
    found = cluster_seqlets(finder.result(), 60, 4, None, 20)
    words = {"".join("ACGT"[a] for a in m.frequencies[m.core].argmax(1)): m for m in found}
    assert set(words) == {"GCCAC", "TATAA"}
    assert (words["GCCAC"].starts + len(words["GCCAC"].core)).max() == 60
    assert words["TATAA"].starts.min() == 0


def test_a_motif_has_as_many_members_as_asked_that_lie_inside():
    """Of a word that is as long as the input, and cut at either end of it, some columns lie beyond."""
    n, template = 12, template_of("DNA", 12)
    draws = np.random.default_rng(3)
    codes = draws.integers(0, 4, (200, n)).astype(np.uint8)
    values, word = 0.02 * draws.normal(size=(200, n)), template.alphabet.encode(["ACGTAGCTGACT"])[0]
    for row in range(200):
        to, of = (slice(3, None), slice(-3)) if draws.choice([-3, 3]) > 0 else (slice(-3), slice(3, None))
        codes[row, to] = word[of]
        values[row, to] += 0.5
    finder = SeqletFinder(n, 0)
    finder.add(chunk_of(template, template.alphabet.decode(codes), values))
    seqlets = finder.result()
    assert len(seqlets) >= 5
    found = cluster_seqlets(seqlets, n, 4, None, 5)
    assert all(len(np.unique(motif.rows)) >= 5 for motif in found)
    assert all((motif.starts >= 0).all() and (motif.starts + len(motif.core) <= n).all() for motif in found)


def test_noise_gives_none_and_pieces_do_not_matter():
    _, chunk, _ = planted("DNA", 60, [])
    finder = SeqletFinder(60, 0)
    finder.add(chunk)
    nothing = finder.result()
    assert nothing is None or not cluster_seqlets(nothing, 60, 4, None, 20)
    assert SeqletFinder(60, 0).result() is None


def test_few_sequences_give_no_motif():
    _, chunk, _ = planted("DNA", 60, [("TGACTCA", 0.5, False)], count=1)
    finder = SeqletFinder(60, 0)
    finder.add(chunk)
    found = finder.result()
    assert found is None or cluster_seqlets(found, 60, 4, None, 5) == []
