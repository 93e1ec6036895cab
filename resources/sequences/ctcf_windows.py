"""Choose windows of a genome for docs/gallery/ctcf.yaml: those for which a BPNet predicts most reads, and some others.

Windows of 2,114 letters start every 1,000 letters, and none holds an N. In the order of their predictions, those that
overlap none before them are taken: eight from the highest on, and two from the median on. Written as BED; the name of
each tells its kind.

    cd resources/sequences
    python ctcf_windows.py ../genome/hg38_1m.fa.gz ../genome/bpnet_ctcf_weights.npz > ctcf_windows.bed
"""

import sys

import numpy as np
import pysam

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

WIDTH, STEP, STRONGEST, OTHERS = 2114, 1000, 8, 2
DNA = Alphabet("ACGT")


def predicted(genome: str, weights: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the contig, the (N,) starts of its windows, and the (N,) logarithms of the reads predicted for them."""
    source = {"kind": "torch", "architecture": "bpnet", "path": weights, "layout": "channels_first"}
    source |= {"select": {"counts": {"of": "counts"}}}
    model = Model(source, Template(DNA, "N" * WIDTH), ["counts"], 64)
    with pysam.FastaFile(genome) as file:
        contig = file.references[0]
        text = file.fetch(contig).upper()
    starts = [start for start in range(0, len(text) - WIDTH + 1, STEP) if "N" not in text[start : start + WIDTH]]
    parts = [starts[k : k + 64] for k in range(0, len(starts), 64)]
    values = [model(DNA.encode([text[start : start + WIDTH] for start in part]))[:, 0] for part in parts]
    return contig, np.array(starts), np.concatenate(values)


def apart(places: np.ndarray, starts: np.ndarray, count: int, taken: list[int]) -> list[int]:
    """Return the first places whose windows overlap neither one another nor those that are taken."""
    chosen: list[int] = []
    for place in places.tolist():
        if all(abs(starts[place] - starts[other]) >= WIDTH for other in (*taken, *chosen)):
            chosen.append(place)
        if len(chosen) == count:
            break
    return chosen


def main() -> None:
    """Write the windows as BED to standard output."""
    contig, starts, values = predicted(*sys.argv[1:])
    order = np.argsort(-values, kind="stable")
    strongest = apart(order, starts, STRONGEST, [])
    others = apart(order[len(order) // 2 :], starts, OTHERS, strongest)
    for kind, places in (("strongest", strongest), ("median", others)):
        for rank, place in enumerate(places, 1):
            print(contig, starts[place], starts[place] + WIDTH, f"{kind}_{rank}", sep="\t")


if __name__ == "__main__":
    main()
