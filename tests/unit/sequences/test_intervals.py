"""Intervals: windows cut by hand beside those that are read; mistakes are told."""

import gzip

import numpy as np
import pandas as pd
import pytest
import yaml
from interval_cases import CONTIG

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import Genome, GivenSequences
from shapsketch.sequences.intervals import read_intervals, stream_intervals
from shapsketch.sequences.template import Template
from shapsketch.sequences.windows import Window, reverse_complement
from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.errors import InputError

REFERENCE = GivenSequences({"c": CONTIG, "d": CONTIG[::-1]})

TEMPLATE = Template(Alphabet("ACGT"), "N" * 20)


def read(tmp_path, text, **settings):
    path = tmp_path / "some.bed"
    path.write_text(text)
    kept, dropped = zip(*stream_intervals(path, REFERENCE, TEMPLATE, **settings), strict=True)
    return pd.concat(kept), pd.concat(dropped)


@pytest.mark.parametrize("width", [20, 21])
def test_windows_are_cut_around_the_anchor_on_the_right_strand(tmp_path, width):
    template = Template(Alphabet("ACGT"), "N" * width)
    path = tmp_path / "peaks.bed"
    path.write_text("track name=x\n#comment\nc\t100\t110\tplus\t0\t+\nc\t200\t211\tminus\t0\t-\nd\t50\t51\n")
    half = width // 2
    for anchor, places in {"auto": (105, 205, 50), "start": (100, 210, 50)}.items():
        (kept, _), *_ = stream_intervals(path, REFERENCE, template, anchor=anchor)
        for row, contig, place, strand in zip(kept.itertuples(), "ccd", places, "+-+", strict=True):
            forward = REFERENCE.texts[contig][place - half : place - half + width]
            assert row.sequence == (forward if strand == "+" else reverse_complement(forward))
            assert row.sequence_id == f"{contig}:{place - half}-{place - half + width}({strand})"
            assert (row.contig, row.start, row.end, row.strand) == (contig, place - half, place - half + width, strand)
    assert kept["name"].tolist() == ["plus", "minus", ""]


def test_summits_are_those_of_narrow_peaks(tmp_path):
    text = "c\t100\t200\tp\t0\t.\t1.5\t2.5\t3.5\t30\nc\t100\t200\tq\t0\t.\t1.5\t2.5\t3.5\t-1\n"
    kept, _ = read(tmp_path, text)
    assert kept["start"].tolist() == [120, 140]  # the second has none: its middle
    kept, _ = read(tmp_path, text.splitlines()[0] + "\n", anchor="centre")
    assert kept["start"].tolist() == [140]


def test_gtf_and_gff_are_one_based_with_both_ends(tmp_path):
    gtf = (
        'c\tx\tgene\t101\t110\t.\t-\t.\tgene_id "G1"; gene_name "ABC";\nc\tx\texon\t101\t105\t.\t-\t.\tgene_id "G1";\n'
    )
    path = tmp_path / "g.gtf.gz"
    path.write_bytes(gzip.compress(gtf.encode()))
    (gene,) = read_intervals(path, "gene")
    assert (gene.start, gene.stop, gene.strand, gene.name) == (100, 110, "-", "ABC")
    assert len(list(read_intervals(path))) == 2
    gff = tmp_path / "g.gff3"
    gff.write_text("##gff-version 3\nc\tx\tgene\t101\t110\t.\t+\t.\tID=g1;Name=XYZ\n###\n##FASTA\n>c\nACGT\n")
    assert [one.name for one in read_intervals(gff)] == ["XYZ"]
    assert gene.window(20, "start", "file") == Window("c", 99, 119, "-")
    assert gene.window(20, "start", "+") == Window("c", 99, 119, "+")


def test_what_cannot_be_read_follows_the_rules(tmp_path):
    text = "c\t100\t101\nc\t2\t3\nx\t100\t101\nc\t100\t101\n"
    with pytest.raises(InputError, match=r"line 2 \(c:-8-12\(\+\)\) reaches beyond c, which has 500 letters; set"):
        read(tmp_path, text)
    with pytest.raises(InputError, match=r"line 3 .* the genome has no contig 'x'"):
        read(tmp_path, text, ambiguous="drop")
    kept, dropped = read(tmp_path, text, ambiguous="drop", mismatch="drop")
    assert len(kept) == 1 and dropped["record"].tolist() == [2, 3, 4]
    assert dropped["reason"].tolist()[2] == "is the same window as line 1"
    kept, _ = read(tmp_path, text, ambiguous="resolve", mismatch="drop")
    assert kept["sequence"].tolist()[1] == "N" * 8 + CONTIG[:12]
    with pytest.raises(InputError, match="all intervals were dropped; the first one reaches beyond"):
        read(tmp_path, "c\t2\t3\n", ambiguous="drop")


@pytest.mark.parametrize(
    ("text", "settings", "sentence"),
    [
        ("c 100\n", {}, "line 1 is no line of BED, GTF or GFF"),
        ("c\t100\t90\n", {}, "line 1 ends at 90, before it starts at 100"),
        ("c\t1\t9\tn\t0\tforward\n", {}, "line 1 has 'forward' as its strand"),
        ("c\t1\t9\n", {"feature": "gene"}, "is BED, which has no kinds of features"),
        ("c\tx\tgene\t5\t9\t.\t+\t.\tID=a\n", {"feature": "exon"}, "holds no intervals of the kind 'exon'"),
        ("", {}, "holds no intervals"),
    ],
)
def test_broken_lines_are_told_in_a_sentence(tmp_path, text, settings, sentence):
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text, **settings)


def test_windows_of_the_megabase_are_those_of_bedtools(shared, tmp_path, bedtools):
    genome = Genome(shared / "genome_chr1/hg38_1m.fa.gz")
    plain = tmp_path / "chr1.fa"
    plain.write_text(f">chr1\n{genome.fetch('chr1', 0, 1_000_000)}\n")
    Genome(plain)  # makes the index, which bedtools would tell of
    rng = np.random.default_rng(0)
    starts = rng.integers(20_000, 170_000, 50)
    path = tmp_path / "peaks.bed"
    path.write_text("".join(f"chr1\t{s}\t{s + 300}\tp{k}\t0\t{'+-'[k % 2]}\n" for k, s in enumerate(starts)))
    (kept, _), *_ = stream_intervals(path, genome, TEMPLATE, mismatch="drop", ambiguous="drop")
    cut = tmp_path / "cut.bed"
    cut.write_text("".join(f"chr1\t{r.start}\t{r.end}\t.\t0\t{r.strand}\n" for r in kept.itertuples()))
    lines = bedtools("getfasta", "-s", "-fi", plain, "-bed", cut).split()
    assert len(kept) > 30
    assert lines == [text for row in kept.itertuples() for text in (f">{row.sequence_id}", row.sequence)]


@pytest.mark.parametrize(
    ("own", "changes", "sentence"),
    [
        ({"anchor": "start"}, {}, "sets sequences.s.anchor, which is for intervals; give their genome too"),
        ({"genome": "g", "width": 5}, {}, "sets sequences.s.width: 5, but the template of models.m has 4"),
        ({"genome": "g"}, {"alphabet": "protein", "template": "XXXX"}, "models.m reads protein"),
        ({"genome": "g"}, {"background": {"from_sequences": {"queries": "s"}}}, "counts 's', which are intervals"),
    ],
)
def test_mistakes_in_the_config_are_one_sentence(root, own, changes, sentence):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())
    model = {
        "source": {"kind": "builtin", "function": "microhomology"},
        "alphabet": "DNA",
        "template": "NNNN",
    } | changes
    config = {"models": {"m": model}, "sequences": {"s": {"path": "s.bed", **own}}}
    with pytest.raises(InputError, match=sentence):
        check_names(check_config(config, schema), files=False)
