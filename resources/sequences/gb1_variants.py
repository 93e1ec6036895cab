"""Write variants of protein GB1 at the sites 39, 40, 41 and 54: all single mutants, and all double ones of 41 and 54.

python resources/sequences/gb1_variants.py > resources/sequences/gb1_variants.tsv
python resources/sequences/gb1_variants.py sites > resources/sequences/gb1_sites.tsv   # the four letters alone
"""

import sys
from itertools import product

WILD_TYPE = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
SITES = (39, 40, 41, 54)  # 1-based
LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def mutate(changes: dict[int, str]) -> str:
    """Return the wild type with other letters at some sites."""
    return "".join(changes.get(i, letter) for i, letter in enumerate(WILD_TYPE, 1))


def main() -> None:
    """Write the table; whole proteins, or the four sites if the command line says so."""
    singles = [{site: letter} for site in SITES for letter in LETTERS if letter != WILD_TYPE[site - 1]]
    doubles = [{41: a, 54: b} for a, b in product(LETTERS, LETTERS) if a != WILD_TYPE[40] and b != WILD_TYPE[53]]
    print("id", "sequence", "group", sep="\t")
    for changes in [{}, *singles, *doubles]:
        name = "_".join(f"{WILD_TYPE[site - 1]}{site}{letter}" for site, letter in changes.items()) or "wild_type"
        sequence = mutate(changes)
        if sys.argv[1:] == ["sites"]:
            sequence = "".join(sequence[site - 1] for site in SITES)
        print(name, sequence, ("wild_type", "single", "double")[len(changes)], sep="\t")


if __name__ == "__main__":
    main()
