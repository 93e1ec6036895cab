"""Cut every Cas9 target with an NGG PAM out of a DNA sequence, on both strands.

A target is a 30-mer: 4 nt of context, 20 nt of guide, NGG, 3 nt of context. Targets whose context would
reach beyond the sequence are left out. Records are named NAME_START_STRAND, START being the 1-based
position of the 30-mer's leftmost letter on the given strand of the input.

    python resources/sequences/cut_targets.py resources/sequences/egfp_cds.fa > resources/sequences/egfp.fa
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LENGTH, PAM = 30, 24  # the PAM's N is at this 0-based position
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def cut_targets(name: str, sequence: str) -> Iterator[tuple[str, str]]:
    """Yield (record name, 30-mer), the plus strand first, in the order of their starts."""
    pattern = re.compile(f"(?=([ACGT]{{{PAM + 1}}}GG[ACGT]{{{LENGTH - PAM - 3}}}))")
    for match in pattern.finditer(sequence):
        yield f"{name}_{match.start() + 1}_plus", match[1]
    reverse = sequence.translate(COMPLEMENT)[::-1]
    targets = [(len(sequence) - match.start() - LENGTH, match[1]) for match in pattern.finditer(reverse)]
    for start, target in sorted(targets):
        yield f"{name}_{start + 1}_minus", target


def main() -> None:
    """Read one FASTA record from the file named on the command line; write FASTA to standard output."""
    header, *lines = Path(sys.argv[1]).read_text().split("\n")
    name = header.removeprefix(">").split()[0].removesuffix("_cds")
    for record, target in cut_targets(name, "".join(lines).upper()):
        print(f">{record}\n{target}")


if __name__ == "__main__":
    main()
