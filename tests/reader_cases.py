"""Files of sequences, and what is read of them."""

import gzip

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "NNNGR")

RECORDS = [("a", "ACTGA"), ("b", "TTTGG")]

FASTA = ">a first\nACTGA\n>b\nTTT\nGG\n"


def write(path, text, zipped=False):
    data = text.encode()
    path.write_bytes(gzip.compress(data) if zipped else data)
    return path
