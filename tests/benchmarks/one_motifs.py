"""A script of the stage of motifs in a process of its own, for its costs: `one_motifs SCRIPT FOLDER`."""

import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from benchmarks.memory import peak_megabytes
from shapsketch.settings import script as stage

ROOT = Path(__file__).resolve().parents[2]
TABLES = (
    "contributions", "motifs", "placements", "motif_matrices", "instances", "position_interactions", "supports",
    "support_tables",
)  # fmt: skip


class Files(dict):
    """Names by key or attribute, as Snakemake gives them."""

    __getattr__ = dict.__getitem__


if __name__ == "__main__":
    script, folder = sys.argv[1], Path(sys.argv[2])
    tables = {name: str(folder / f"{name}.tsv") for name in TABLES}
    inputs = {"spectrum": "spectrum.npz", "sequences": "sequences.parquet", "values": "values.parquet"}
    inputs = {name: str(folder / file) for name, file in {**inputs, "faithfulness": "faithfulness.json"}.items()}
    outputs = {
        "bed": str(folder / "instances.bed"),
        "meme": str(folder / "motifs.meme"),
        "logos": str(folder / "logos"),
    }
    snakemake = SimpleNamespace(
        input=Files(inputs | tables),
        output=Files(outputs | tables),
        params=SimpleNamespace(settings={}, colors="colorblind"),
        wildcards=SimpleNamespace(queries="benchmark"),
        threads=1,
    )
    stage.start = lambda snakemake: None
    runpy.run_path(str(ROOT / "workflow/scripts" / f"{script}.py"), {"snakemake": snakemake}, "__main__")
    print(time.process_time(), peak_megabytes())
