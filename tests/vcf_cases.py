"""VCF files of a random contig, and what is read of them."""

import pandas as pd
import pyarrow as pa

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import GivenSequences
from shapsketch.sequences.template import Template
from shapsketch.variants.reading import Checker, Placing, stream_variants
from shapsketch.variants.tables import Columns
from variant_cases import WIDTH, random_letters

CONTIG = random_letters(2000)

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"

DNA = Template(Alphabet("ACGT"), "N" * WIDTH)

PROTEIN = random_letters(30, 5, "ACDEFGHIKLMNPQRSTVWY")


def read(path, reference=None, template=DNA, placing=None, columns=None, reads_unknown=False, **settings):
    checker = Checker(reference or GivenSequences({"c": CONTIG}), template, placing or Placing(), reads_unknown)
    pieces = stream_variants(path, checker, columns=columns or Columns(), **settings)
    kept, dropped = zip(*pieces, strict=True)
    return pa.concat_tables(kept), pd.concat(dropped, ignore_index=True)


def vcf(tmp_path, *lines, header=HEADER):
    path = tmp_path / "calls.vcf"
    path.write_text(header + "".join("\t".join(map(str, line)) + "\n" for line in lines))
    return path


def allele(position, ref=None, alt=None, name=".", contig="c"):
    ref = ref or CONTIG[position - 1]
    return contig, position, name, ref, alt or ("A" if ref != "A" else "C"), ".", ".", "."
