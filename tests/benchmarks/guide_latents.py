"""Latents of the embedded guide network through the workflow: what they say of the letters, sketched like outputs.

Two modules: `motifs`, the first convolution, and `mixing`, the second. The ten latents of each that the activity
depends on most are sketched near the guides of eGFP and explained on them: R2 of each sketch, and its strongest motif,
by tables alone (`regression`) and by what is done unless one says otherwise (`auto`). Rows of
`results/guide_latents.tsv`.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.result_files import FOLDER, ROOT, merge_results
from shapsketch.storage.files import read_json
from shapsketch.storage.tsv import read_table

NETWORK = ROOT / "resources/models/guide_cnn/network.py"
MODULES, ESTIMATORS = ("motifs", "mixing"), ("regression", "auto")
MODEL = {
    "source": {"kind": "torch", "factory": f"{NETWORK}:network", "layout": "channels_first"}, "alphabet": "DNA",
    "template": "N" * 25 + "GGNNN", "outputs": ["activity"],
}  # fmt: skip
COLUMNS = (
    "module", "estimator", "rank", "latent", "letters", "influence", "evaluations", "r2", "r2_low", "r2_high",
    "r2_on_sequences", "motif", "kind", "share", "recovered_by", "cpu_seconds",
)  # fmt: skip


def run(folder: Path, config: dict[str, Any], *targets: str) -> float:
    """Run the workflow in a folder; the CPU seconds that it takes."""
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, "--cores", "1", *targets], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(folder: Path, module: str, estimator: str, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Look into a module, unless that was done in the folder, and sketch the latents with the largest influence."""
    mechanism = {
        "model": "guides", "sequences": {"background": chosen.sequences}, "modules": [module],
        "dictionary": {"latents": 128, "steps": chosen.steps, "seeds": 1},
    }  # fmt: skip
    config = {
        "models": {"guides": MODEL}, "sequences": {"egfp": {"path": str(ROOT / "resources/sequences/egfp.fa")}},
        "mechanism": {module: mechanism}, "analyses": "none",
    }  # fmt: skip
    table = folder / f"results/mechanism/{module}/latents.parquet"
    run(folder, config, str(table.relative_to(folder)))
    best = pd.read_parquet(table).sort_values("influence", ascending=False, kind="stable")[:10]
    name = f"{module}_by_{estimator}"
    config["models"][name] = {
        "source": {"latents": {"mechanism": module, "pool": "mean"}},
        "outputs": {f"z{latent}": {"of": latent} for latent in best["latent"]},
        "sketch": {"budget": chosen.budget, "near": {"sequences": "egfp"}},
        "recovery": {"estimator": estimator},
    }
    config["analyses"] = [[name, "egfp"]]
    seconds = run(
        folder, config, *(f"results/{name}/egfp/{file}" for file in ("motifs/motifs.tsv", "faithfulness.json"))
    )
    explained = folder / f"results/{name}"
    scores = read_json(explained / "spectrum/faithfulness.json")
    on_sequences = read_json(explained / "egfp/faithfulness.json")
    motifs = read_table(explained / "egfp/motifs/motifs.tsv")
    rows = []
    for rank, one in enumerate(best.to_dict("records"), 1):
        output = f"z{one['latent']}"
        score = scores[output]
        motif = motifs[motifs["output"] == output].sort_values("share", ascending=False, kind="stable").iloc[0]
        rows.append({
            "module": module, "estimator": estimator, "rank": rank, "latent": one["latent"],
            "letters": one["consensus"], "influence": one["influence"], "evaluations": score["evaluations"],
            "r2": score["r2"], "r2_low": score["r2_interval"][0], "r2_high": score["r2_interval"][1],
            "r2_on_sequences": on_sequences[output]["r2_on_queries"], "motif": motif["consensus"],
            "kind": motif["kind"], "share": motif["share"], "recovered_by": score["estimator"],
            "cpu_seconds": seconds,
        })  # fmt: skip
    return rows


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", nargs="+", default=MODULES, choices=MODULES)
    parser.add_argument("--estimators", nargs="+", default=ESTIMATORS, choices=ESTIMATORS)
    parser.add_argument("--sequences", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--budget", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where the workflow runs; kept")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        for module, estimator in product(chosen.modules, chosen.estimators):
            rows, key = measure(folder, module, estimator, chosen), ["module", "estimator", "rank"]
            merge_results(FOLDER / "guide_latents.tsv", rows, key, COLUMNS, "make benchmark-guide-latents")
            for row in rows:
                print("\t".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()), flush=True)


if __name__ == "__main__":
    main()
