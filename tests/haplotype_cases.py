"""Phased variants of a contig."""

import pyarrow as pa

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.variants.grouping import Haplotypes
from shapsketch.variants.phasing import from_vcf
from shapsketch.variants.reading import Checker, Placing, stream_variants
from shapsketch.variants.tables import Columns
from variant_cases import WIDTH, random_letters

CONTIG = random_letters(2000)

REFERENCE = GivenSequences({"c": CONTIG})

DNA = Template(Alphabet("ACGT"), "N" * WIDTH)

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tmum\tdad\n"


def other(letter):
    return "A" if letter != "A" else "C"


def snv(position, *genotypes, name=None, form="GT"):
    ref = CONTIG[position - 1]
    return "\t".join(["c", str(position), name or f"v{position}", ref, other(ref), ".", ".", ".", form, *genotypes])


def indel(position, ref, alt, *genotypes):
    return "\t".join(["c", str(position), f"v{position}", ref, alt, ".", ".", ".", "GT", *genotypes])


def gather(tmp_path, lines, placing=None, samples=(), header=HEADER, reference=REFERENCE, reads_unknown=False):
    path = tmp_path / "calls.vcf"
    path.write_text(header + "".join(f"{line}\n" for line in lines))
    checker = Checker(reference, DNA, placing or Placing(), reads_unknown)
    pieces = stream_variants(path, checker, columns=Columns())
    kept = pa.concat_tables(table for table, _ in pieces)
    found = Haplotypes(checker)
    from_vcf(path, kept.to_pylist(), found, samples)
    return found.tables()
