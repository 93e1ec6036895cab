"""Windows: stretches of a contig as long as a model's input, on either strand."""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

Strand = Literal["+", "-"]

_COMPLEMENT = str.maketrans("ACGTUNRYSWKMBDHVacgtunryswkmbdhv", "TGCAANYRSWMKVHDBtgcaanyrswmkvhdb")


@dataclass(frozen=True)
class Window:
    """A stretch of a contig.

    Attributes:
        contig: its name.
        start, stop: 0-based and half-open, as in BED; may lie beyond the ends of the contig.
        strand: whose letters a model reads.
    """

    contig: str
    start: int
    stop: int
    strand: Strand = "+"

    @property
    def name(self) -> str:
        """The name that `bedtools getfasta -s` gives the window, of its contig, start and end as in BED, and strand."""
        return f"{self.contig}:{self.start}-{self.stop}({self.strand})"

    def oriented(self, forward: str) -> str:
        """Return what a model reads of the window's forward letters."""
        return forward if self.strand == "+" else reverse_complement(forward)


def reverse_complement(text: str) -> str:
    """Return the other strand of DNA or RNA, IUPAC codes included; of RNA in the letters of DNA."""
    return text.translate(_COMPLEMENT)[::-1]


def window_around(contig: str, start: int, stop: int, width: int, strand: Strand = "+") -> Window:
    """Return the window of a width around a stretch: the middle letter of the stretch is at `width // 2` (0-based).

    Args:
        contig: its name.
        start, stop: of the stretch, 0-based and half-open; of an even number of letters, the right one of the two
            in the middle counts.
        width: letters.
        strand: of the window. On the reverse strand of an even width, the letter is read one place before the middle.
    """
    first = (start + stop) // 2 - width // 2
    return Window(contig, first, first + width, strand)


_NAME = r"^(?P<contig>.*):(?P<start>-?[0-9]+)-(?P<end>-?[0-9]+)\((?P<strand>[+-])\)$"


def with_places(table: pa.Table) -> pa.Table:
    """Return a table with `contig`, `start`, `end` and `strand` behind `sequence_id`, as the names of windows say them.

    Args:
        table: whose column `sequence_id` holds names as `Window.name` writes them.
    """
    parts = pc.extract_regex(table["sequence_id"], _NAME)
    place = table.column_names.index("sequence_id") + 1
    for name in ("strand", "end", "start", "contig"):
        column = pc.struct_field(parts, name)
        table = table.add_column(place, name, column.cast(pa.int64()) if name in ("start", "end") else column)
    return table
