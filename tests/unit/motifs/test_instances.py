"""Instances: exactly where they were planted, the same places in BED."""

import numpy as np
import pandas as pd
import pytest
from motif_cases import Planted, aggregated, exact_spectrum, random_texts, template_of

from shapsketch.motifs.instances import InstanceSums
from shapsketch.motifs.motif import Motif
from shapsketch.motifs.patterns import Placements
from shapsketch.motifs.reading import Chunk
from shapsketch.sequences.template import Template
from shapsketch.spectrum.terms import Terms

EXACT = {
    "DNA": ("DNA", "NNNNNNNNNNNN", [Planted("GAT", (0, 1, 4), (1, 4, 6), 2.0), Planted("CC", (0, 1), (9,), -1.0)]),
    "ACTG": ("ACTG", "NNNNNNNNNNNN", [Planted("GT", (0, 3), (2, 5), 2.0)]),
    "restricted": ("DNA", "NNYNGGNRNNNN", [Planted("CA", (0, 5), (2,), 2.0), Planted("TT", (0, 1), (8, 9), 1.0)]),
    "RNA": ("RNA", "NNNNNNNN", [Planted("UAG", (0, 1, 5), (1,), -2.0)]),
    "protein": ("protein", "XXXXXX", [Planted("WD", (0, 3), (0, 1, 2), 2.0)]),
    "custom": ("01", "**********", [Planted("101", (0, 2, 3), (1, 4), 2.0)]),
}


@pytest.mark.parametrize("kind", EXACT)
def test_exact_spectra_give_exactly_the_planted_instances(kind, tmp_path):
    letters, pattern, motifs = EXACT[kind]
    template = Template(template_of(letters, 1).alphabet, pattern)
    texts = random_texts(template, 3000 if letters == "protein" else 800)
    result = aggregated(tmp_path, exact_spectrum(template, motifs), texts, min_share=0.01)
    found = result.kind("interaction")
    assert len(found) == len(motifs)
    for motif in motifs:
        row = found[found["letters"] == motif.letters].iloc[0]
        assert result.found(row["motif"]) == motif.occurrences(texts)
        assert (row["placements"], row["order"]) == (len(motif.starts), len(motif.letters))
        assert row["instances"] == len(motif.occurrences(texts))
        assert np.sign(row["value"]) == np.sign(motif.strength)
        assert row["share_low"] < row["share"] < row["share_high"] <= 1.5
        matrix = next(m for m in result.summary.matrices if m.motif == row["motif"])
        assert np.allclose(matrix.frequencies.sum(1), 1)
        core = [template.alphabet.letters[a] for a in matrix.frequencies[matrix.core].argmax(1)]
        assert "".join(core) == motif.letters
        gap = template.alphabet.wildcard.lower() if letters != "01" else "*"
        expected = [gap] * (motif.offsets[-1] + 1)
        for offset, letter in zip(motif.offsets, motif.letters, strict=True):
            expected[offset] = letter
        assert row["consensus"] == "".join(expected)


def test_bed_files_tell_the_same_places_from_zero(tmp_path):
    template = template_of("DNA", 8)
    texts = random_texts(template, 200)
    result = aggregated(tmp_path, exact_spectrum(template, [Planted("GAT", (0, 1, 4), (1, 2), 2.0)]), texts)
    for (_, row), (_, bed) in zip(result.instances.iterrows(), result.bed.iterrows(), strict=True):
        assert (bed["chrom"], bed["start"], bed["end"]) == (row["sequence_id"], row["start"] - 1, row["end"])
        sizes, offsets = ([int(v) for v in bed[name].split(",")] for name in ("sizes", "offsets"))
        covered = [bed["start"] + o + k + 1 for o, s in zip(offsets, sizes, strict=True) for k in range(s)]
        assert ",".join(map(str, covered)) == row["positions"]
        assert texts[int(row["sequence_id"][1:])][bed["start"] : bed["end"]] == row["matched"]
        assert bed["blocks"] == len(sizes) == 2


@pytest.mark.parametrize("starts", [(1, 3, 5, 6), (3,)])
@pytest.mark.parametrize(
    ("letters", "offsets"),
    [("ACGT", (0, 1, 2, 3)), ("ACGT", (0, 1, 3, 4)), ("AT", (0, 1)), ("CACGTG", (0, 1, 2, 3, 4, 5))],
)
def test_a_palindrome_is_one_instance_whether_or_not_both_strands_count(tmp_path, letters, offsets, starts):
    motifs = [Planted(letters, offsets, starts, 2.0)]
    template = template_of("DNA", 12)
    texts, spectrum = random_texts(template, 1500), exact_spectrum(template, motifs)
    if len(letters) > 4:  # too rare to be there by chance
        first, end = starts[0], starts[0] + len(letters)
        texts[:600] = [text[:first] + letters + text[end:] for text in texts[:600]]
    one, both = (
        aggregated(tmp_path / str(turned), spectrum, texts, min_share=0.01, reverse_complement=turned)
        for turned in (False, True)
    )
    assert one.found("M1") == motifs[0].occurrences(texts) and len(one.instances) == len(one.found("M1"))
    columns = ["letters", "sequences", "instances", "placements"]
    pd.testing.assert_frame_equal(one.motifs[columns], both.motifs[columns])
    pd.testing.assert_frame_equal(one.instances, both.instances)
    places = [result.summary.tables["placements"].sort_values("positions") for result in (one, both)]
    pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in places))


def test_what_both_strands_read_at_a_site_is_one_instance():
    """Of the words ACGT and ACGA the first is its own reverse complement, and the second is TCGT."""
    template = template_of("DNA", 6)
    alphabet, word = template.alphabet, np.arange(4)
    positions = np.array([word, word[::-1], word + 2, word[::-1] + 2])
    placements = Placements(positions, np.array([False, True, False, True]))
    values = np.array(
        [[2.0, 1.0], [2.0 + 1e-14, 1.0], [2.0, 1.0], [3.0, 1.0]]
    )  # of the last, the minus strand's is more
    terms = Terms.build(template.sizes, {})
    sums = InstanceSums(
        Motif(alphabet.encode(["ACGT", "ACGA"]), placements, values, 4, "", terms), alphabet.complement, 4
    )
    texts = ["ACGTAA", "CCACGT", "ACGACC", "TCGTCC", "CCTCGT", "CCCCCC"]
    codes, rows = alphabet.encode(texts), np.arange(6)
    chunk = Chunk(rows, texts, texts, codes, codes, np.zeros((6, 6)), np.zeros(6), np.full(6, -1))
    hits = sums.find(chunk)
    sums.add(chunk, hits)
    assert hits.rows.tolist() == [0, 1, 2, 3, 4] and hits.places.tolist() == [0, 3, 0, 1, 3]
    assert hits.values.tolist() == [2, 3, 1, 1, 1] and sums.instances == 5 and sums.by_place.tolist() == [2, 1, 0, 2]
