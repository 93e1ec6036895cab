"""What is read of variants, and what is left out and why."""

import re

import pandas as pd
import pytest
from vcf_cases import CONTIG, allele, read, vcf

from shapsketch.sequences.genome import Genome, GivenSequences
from shapsketch.settings.errors import InputError
from variant_cases import WIDTH, random_changes


def test_flipped_alleles_are_refused_line_by_line(shared, tmp_path):
    genome, folder = Genome(shared / "genome_chr1/hg38_1m.fa.gz"), shared / "genome_chr1"
    kept, dropped = read(folder / "eqtl.vcf", genome)
    assert kept.num_rows == 8 and dropped.empty
    lines = [line.split("\t") for line in (folder / "eqtl_flip.vcf").read_text().splitlines()[1:]]
    assert len(lines) == 8
    both = tmp_path / "both.vcf"
    both.write_text((folder / "eqtl_flip.vcf").read_text() + (folder / "snp.vcf").read_text().splitlines()[1] + "\n")
    kept, dropped = read(both, genome)
    assert kept.num_rows == 1
    for number, (line, row) in enumerate(zip(lines, dropped.itertuples(), strict=True), 2):
        assert (row.record, row.contig, row.positions, row.ref, row.genome) == (
            number,
            "chr1",
            line[1],
            line[3],
            line[4],
        )
        assert row.reason == f"REF is {line[3]}, and the genome has {line[4]} there"
    with pytest.raises(InputError, match="all 8 variants are left out; the first one because REF is A, and the genome"):
        read(folder / "eqtl_flip.vcf", genome)


def test_unknown_letters_follow_the_rule(tmp_path):
    contig = CONTIG[:490] + "N" + CONTIG[491:]
    path = vcf(tmp_path, allele(500), allele(600))
    reference = GivenSequences({"c": contig})
    kept, dropped = read(path, reference)
    assert kept.num_rows == 1
    assert re.search(r"window c:479-519\(\+\) has 'N' at position 12, an ambiguous letter", dropped["reason"][0])
    with pytest.raises(InputError, match="record 3 .*ambiguous letter; leave it out, or set ambiguous to drop"):
        read(path, reference, ambiguous="error")
    kept, dropped = read(path, reference, reads_unknown=True)
    assert kept.num_rows == 2 and dropped.empty
    kept, _ = read(vcf(tmp_path, allele(3)), reference, reads_unknown=True)
    assert kept["start"].to_pylist() == [-18]


def test_pieces_do_not_change_what_is_read(tmp_path, monkeypatch):
    path = vcf(tmp_path, *(allele(p + 1, r, a) for _, p, r, a in random_changes(CONTIG, 50)), allele(5))
    whole = read(path)
    monkeypatch.setattr("shapsketch.variants.reading.LETTERS_AT_ONCE", 7 * WIDTH)
    again = read(path)
    assert whole[0].to_pylist() == again[0].to_pylist()
    pd.testing.assert_frame_equal(whole[1], again[1], check_dtype=False)
