"""Genomes: stretches of an indexed FASTA, plain and packed, with and without their index."""

import os
import shutil

import pysam
import pytest

from shapsketch.sequences.genome import Genome, GivenSequences, unknown_contig
from shapsketch.settings.errors import InputError

CONTIGS = {"chr1": "ACGTNacgtTTGCA" * 7, "chr2": "GGGCCC"}

TEXT = "".join(
    f">{name} some words\n{text[:60]}\n{text[60:]}\n".replace("\n\n", "\n") for name, text in CONTIGS.items()
)


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "small.fa"
    path.write_text(TEXT)
    return path


def test_any_stretch_is_read_in_capitals_with_n_beyond_the_ends(fasta):
    genome = Genome(fasta)
    text = CONTIGS["chr1"].upper()
    assert genome.lengths == {name: len(text) for name, text in CONTIGS.items()}
    for start, stop in [(0, 98), (3, 7), (-4, 3), (95, 101), (-2, 100), (-9, -3), (120, 125), (5, 5)]:
        padded = "N" * 200 + text + "N" * 200
        assert genome.fetch("chr1", start, stop) == padded[start + 200 : stop + 200]
        assert GivenSequences(CONTIGS).fetch("chr1", start, stop) == padded[start + 200 : stop + 200]


def test_packed_genomes_are_the_same(fasta, tmp_path):
    packed = tmp_path / "small.fa.gz"
    pysam.tabix_compress(str(fasta), str(packed))
    assert Genome(packed).fetch("chr1", 2, 70) == Genome(fasta).fetch("chr1", 2, 70)
    assert (tmp_path / "small.fa.gz.fai").exists() and (tmp_path / "small.fa.gz.gzi").exists()


def test_the_index_is_made_once_beside_the_file(fasta, tmp_path):
    Genome(fasta)
    index = tmp_path / "small.fa.fai"
    first = index.read_text(), index.stat().st_mtime_ns
    Genome(fasta)
    assert (index.read_text(), index.stat().st_mtime_ns) == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.fa", "small.fa.fai"]


def test_an_index_older_than_its_file_is_not_used_and_not_touched(fasta, tmp_path):
    index = tmp_path / "small.fa.fai"
    index.write_text("chr9\t4\t6\t4\t5\n")
    os.utime(index, (1, 1))
    assert set(Genome(fasta).lengths) == set(CONTIGS)
    assert index.read_text().startswith("chr9")


def test_a_folder_that_may_not_be_written(fasta, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(shutil, "copyfile", refuse)
    assert Genome(fasta).fetch("chr2", 0, 6) == "GGGCCC"
    assert not list(fasta.parent.glob("*fai*"))


def test_the_megabase(shared):
    genome = Genome(shared / "genome_chr1/hg38_1m.fa.gz")
    assert genome.lengths == {"chr1": 1_000_000}
    assert genome.fetch("chr1", 14676, 14677) == "G"  # as eqtl.vcf says
    assert sum(genome.fetch("chr1", k, k + 100_000).count("N") for k in range(0, 1_000_000, 100_000)) == 160_000


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_text("ACGT\n"), "is no FASTA file of a genome: it begins with"),
        (lambda path: path.write_text(">a\nACGT\nAC\nACGT\n"), "cannot be indexed as FASTA"),
        (lambda path: path.write_bytes(__import__("gzip").compress(TEXT.encode())), "pack it by bgzip instead"),
    ],
)
def test_what_is_no_genome_is_told_in_a_sentence(fasta, make, sentence):
    make(fasta)
    with pytest.raises(InputError, match=sentence) as caught:
        Genome(fasta)
    assert "\n" not in str(caught.value)


def test_names_of_contigs_that_may_be_meant():
    assert unknown_contig("1", {"chr1": 5}).endswith("is 'chr1' meant?")
    assert unknown_contig("chrX", {"X": 5}).endswith("is 'X' meant?")
    assert unknown_contig("phage", {"chr1": 5}) == "the genome has no contig 'phage'"
