"""Write the 5'UTR of human HBB with ATG at two places, in and out of frame, as a table of sequences.

The UTR is that of NM_000518: the 50 nt before the start codon. An ATG whose distance to the start codon is divisible
by 3 is in its frame; further 5' it would meet the UTR's own stop, TAG at the positions 30 to 32. The group of each row
says which ATG it has.

    python resources/sequences/upstream_starts.py > resources/sequences/hbb_utr5.tsv
"""

UTR = "ACATTTGCTTCTGACACAACTGTGTTCACTAGCAACCTCAAACAGACACC"
IN_FRAME, OUT_OF_FRAME = 32, 36  # 0-based; 18 and 14 nt before the start codon
CODONS = ("AAG", "CCC", "GTG", "TTC", "ATG")


def main() -> None:
    """Write every pair of codons at the two places, and the UTR itself."""
    print("id", "sequence", "group", sep="\t")
    print("wild_type", UTR, "none", sep="\t")
    for first in CODONS:
        for second in CODONS:
            sequence = UTR[:IN_FRAME] + first + UTR[IN_FRAME + 3 : OUT_OF_FRAME] + second + UTR[OUT_OF_FRAME + 3 :]
            starts = [name for name, codon in (("in_frame", first), ("out_of_frame", second)) if codon == "ATG"]
            print(f"{first}_{second}", sequence, "_and_".join(starts) or "none", sep="\t")


if __name__ == "__main__":
    main()
