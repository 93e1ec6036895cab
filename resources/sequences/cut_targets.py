"""Cut every Cas9 target with an NGG PAM out of a DNA sequence, on both strands.

A target is a 30-mer (4 nt of context, 20 nt of guide, NGG, 3 nt of context), a `guide` a 23-mer (guide and PAM), a
`cut` the 20 nt on either side of the cut, which lies 3 nt 5' of the PAM. Those whose context would reach beyond the
sequence are left out. Records are named NAME_START_STRAND, START being the 1-based position of the leftmost letter on
the given strand of the input.

    python resources/sequences/cut_targets.py resources/sequences/egfp_cds.fa > resources/sequences/egfp.fa
    python resources/sequences/cut_targets.py resources/sequences/hbb_cds.fa guide > resources/sequences/hbb_guides.fa
    python resources/sequences/cut_targets.py resources/sequences/hbb_cds.fa cut > resources/sequences/hbb_cuts.fa
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

WINDOWS = {"target": (30, 24), "guide": (23, 20), "cut": (40, 23)}  # length, and 0-based position of the PAM's N
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def cut_targets(name: str, sequence: str, window: str = "target") -> Iterator[tuple[str, str]]:
    """Yield (record name, window), the plus strand first, in the order of their starts."""
    length, pam = WINDOWS[window]
    pattern = re.compile(f"(?=([ACGT]{{{pam + 1}}}GG[ACGT]{{{length - pam - 3}}}))")
    for match in pattern.finditer(sequence):
        yield f"{name}_{match.start() + 1}_plus", match[1]
    reverse = sequence.translate(COMPLEMENT)[::-1]
    targets = [(len(sequence) - match.start() - length, match[1]) for match in pattern.finditer(reverse)]
    for start, target in sorted(targets):
        yield f"{name}_{start + 1}_minus", target


def main() -> None:
    """Read one FASTA record from the file named on the command line; write FASTA to standard output."""
    header, *lines = Path(sys.argv[1]).read_text().split("\n")
    name = header.removeprefix(">").split()[0].removesuffix("_cds")
    for record, target in cut_targets(name, "".join(lines).upper(), *sys.argv[2:3]):
        print(f">{record}\n{target}")


if __name__ == "__main__":
    main()
