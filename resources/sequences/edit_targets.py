"""Cut the protospacer around every A of DNA sequences, on both strands, with that A at the sixth of its 20 letters.

An adenine base editor converts the A at position 6 best of all. A protospacer is cut whatever its PAM, as for an
editor of SpRY, which needs next to none (Walton et al., Science 368, 290 (2020)); those that would reach beyond the
sequence are left out. Records are named NAME_POSITION_STRAND, POSITION being the 1-based place of the A or, on the
minus strand, of its T.

    cd resources/sequences; python edit_targets.py {hbb,egfp}_cds.fa > edits.fa
"""

import sys
from collections.abc import Iterator
from pathlib import Path

LENGTH, BEFORE = 20, 5  # letters of a protospacer, and those before the A
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def edit_targets(name: str, sequence: str) -> Iterator[tuple[str, str]]:
    """Yield (record name, protospacer), the plus strand first, each in the order of its letters."""
    for strand, letters in (("plus", sequence), ("minus", sequence.translate(COMPLEMENT)[::-1])):
        for start in range(len(letters) - LENGTH + 1):
            place = start + BEFORE
            if letters[place] == "A":
                position = place + 1 if strand == "plus" else len(letters) - place
                yield f"{name}_{position}_{strand}", letters[start : start + LENGTH]


def main() -> None:
    """Read a FASTA record from each file named on the command line; write FASTA to standard output."""
    for path in sys.argv[1:]:
        header, *lines = Path(path).read_text().split("\n")
        name = header.removeprefix(">").split()[0].removesuffix("_cds")
        for record, target in edit_targets(name, "".join(lines).upper()):
            print(f">{record}\n{target}")


if __name__ == "__main__":
    main()
