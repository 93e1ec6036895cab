"""What asking about variants costs beside the model itself: a BPNet of CTCF on a megabase of chr1.

`make benchmark-variants` asks about random single changes of the genome (`ARGS="--variants 2000"`; 64 by default), and
prints CPU seconds of the bare network on the same windows and of all steps of the workflow: reading and checking a VCF,
cutting windows, asking, tables, the annotated VCF. Start-up of processes is not in it.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from shapsketch.models import Model
from shapsketch.models.published import BPNet
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.genome import Genome
from shapsketch.sequences.template import Template
from shapsketch.variants.annotated import vcf_lines
from shapsketch.variants.effects import EffectAsker, merge_shards
from shapsketch.variants.reading import Checker, Placing, placed, stream_variants
from shapsketch.variants.tables import Columns

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
WEIGHTS = SHARED / "bpnet_ctcf/bpnet_ctcf_weights.npz"
WIDTH, BATCH = 2114, 32
SOURCE = {
    "kind": "torch", "architecture": "bpnet", "path": str(WEIGHTS), "layout": "channels_first",
    "axes": {"profile": ["strand", "position"]}, "select": {"counts": {"of": "counts"}},
}  # fmt: skip


def write_calls(path: Path, genome: Genome, count: int) -> None:
    """Write a VCF of single changes at random places where all letters of the window are known."""
    letters, rng = genome.fetch("chr1", 0, 1_000_000), np.random.default_rng(0)
    lines = list[str]()
    for place in np.sort(rng.choice(np.arange(WIDTH, 1_000_000 - WIDTH), 2 * count, replace=False)).tolist():
        if len(lines) < count and "N" not in letters[place - WIDTH : place + WIDTH]:
            ref = letters[place]
            alt = "ACGT"[("ACGT".index(ref) + 1 + int(rng.integers(3))) % 4]
            lines.append(f"chr1\t{place + 1}\t.\t{ref}\t{alt}\t.\t.\t.\n")
    path.write_text("##fileformat=VCFv4.2\n" + "".join(lines))


def ask(folder: Path, model: Model, genome: Genome, template: Template) -> np.ndarray:
    """Run the steps of the workflow; return the effects."""
    path, placing = folder / "calls.vcf", Placing()
    pieces = stream_variants(path, Checker(genome, template, placing), columns=Columns())
    kept = pa.concat_tables(rows for rows, _ in pieces)
    asker = EffectAsker(model, genome, placing)
    effects = pa.concat_tables(asker(kept.slice(k, BATCH)) for k in range(0, kept.num_rows, BATCH))
    pq.write_table(effects, folder / "shard.parquet")
    merge_shards(folder / "variants.parquet", folder / "variants.tsv", [str(folder / "shard.parquet")])
    lines = vcf_lines(path, [effects], model.outputs, genome.lengths, "benchmark")
    (folder / "variants.vcf").write_text("".join(f"{line}\n" for line in lines))
    return effects["delta"].to_numpy()


def bare(network: torch.nn.Module, codes: np.ndarray) -> np.ndarray:
    """Ask the network itself, in batches of the same size."""
    answers = []
    with torch.inference_mode():
        for start in range(0, len(codes), BATCH):
            letters = torch.as_tensor(codes[start : start + BATCH]).long()
            onehot = torch.nn.functional.one_hot(letters, 4).float().permute(0, 2, 1).contiguous()
            answers.append(network(onehot)["counts"][:, 0].numpy())
    values = np.concatenate(answers)
    return values[1::2] - values[::2]


def main() -> None:
    """Measure, in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    genome, template = Genome(SHARED / "genome_chr1/hg38_1m.fa.gz"), Template(Alphabet("ACGT"), "N" * WIDTH)
    model = Model(SOURCE, template, ["counts"], BATCH)
    with np.load(WEIGHTS, allow_pickle=False) as weights:
        network = BPNet({name: weights[name] for name in weights.files}).eval()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_calls(folder / "calls.vcf", genome, chosen.variants)
        checker = Checker(genome, template, Placing())
        pieces = stream_variants(folder / "calls.vcf", checker, columns=Columns())
        rows = [row for kept, _ in pieces for row in kept.to_pylist()]
        codes = template.alphabet.encode([text for row in rows for text in Placing().letters(genome, *placed(row))])
        ask(folder, model, genome, template)  # what is compiled or loaded once is not measured
        seconds = np.zeros((chosen.repeats, 2))
        for repeat in seconds:
            began = time.process_time()
            expected = bare(network, codes)
            between = time.process_time()
            found = ask(folder, model, genome, template)
            repeat[:] = between - began, time.process_time() - between
            np.testing.assert_allclose(found, expected, atol=1e-5)
    network_seconds, all_seconds = np.median(seconds, axis=0)
    print(f"{len(rows)} variants: the bare network {network_seconds:.2f} CPU seconds, all steps {all_seconds:.2f}")
    print(f"overhead {all_seconds / network_seconds - 1:+.1%}")


if __name__ == "__main__":
    main()
