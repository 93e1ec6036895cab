"""Instances: exactly where they were planted, the same places in BED."""

import numpy as np
import pytest
from motif_cases import Planted, aggregated, exact_spectrum, random_texts, template_of

from shapsketch.sequences.template import Template

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
