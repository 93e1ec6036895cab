"""What sampling adds to the bare model: seconds of a shard of the embedded network, beside those of its own calls.

Run by `make benchmark-sampling`. The bare network is called on one-hot batches that are ready in memory; both take
turns on one thread, and the fastest of each counts.
"""

import time
from collections.abc import Callable
from pathlib import Path

import torch

from shapsketch.models.onehot import onehot_encoder
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import sample_shard
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = Template(Alphabet.from_config("DNA"), "N" * 25 + "GG" + "NNN")
SOURCE = {
    "kind": "torch",
    "path": str(ROOT / "resources/models/guide_cnn/model.pt2"),
    "layout": "channels_first",
    "dtype": "float32",
}
BUDGET, TURNS = 40_000, 5


def main() -> None:
    """Print a row per batch size."""
    print("batch_size\tevaluations\tbare_s\tsampled_s\toverhead")
    for batch_size in (256, 1024):
        plan = make_plan({}, ("activity",), Background.uniform(TEMPLATE), budget=BUDGET, batch_size=batch_size)
        codes, encode = TEMPLATE.to_alphabet(plan.queries(0, plan.size)), onehot_encoder(SOURCE, TEMPLATE)
        batches = [torch.from_numpy(encode(codes[k : k + batch_size])) for k in range(0, plan.size, batch_size)]
        torch.set_num_threads(1)
        network = torch.export.load(SOURCE["path"]).module()
        bare, sampled = [], []
        for _ in range(TURNS):
            bare.append(_seconds(lambda network=network, batches=batches: _call(network, batches)))
            sampled.append(_seconds(lambda plan=plan: sample_shard(plan, SOURCE, 1, 1)))
        overhead = min(sampled) / min(bare) - 1
        print(f"{batch_size}\t{plan.size}\t{min(bare):.2f}\t{min(sampled):.2f}\t{100 * overhead:.1f} %", flush=True)


def _call(network: torch.nn.Module, batches: list[torch.Tensor]) -> None:
    with torch.inference_mode():
        for batch in batches:
            network(batch)


def _seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
