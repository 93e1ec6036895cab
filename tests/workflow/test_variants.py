"""Variants through the whole workflow: without sequences, sharded, stopped and gone on with."""

import pandas as pd
import yaml

from variant_cases import random_changes, random_letters
from workflow.helpers import Workspace

CONTIG = random_letters(2000)


def workspace_of(folder, shards):
    workspace = Workspace(folder)
    workspace.write("genome.fa", f">c\n{CONTIG}\n")
    changes = sorted((p, r, a) for _, p, r, a in random_changes(CONTIG, 250) if len(r + a) < 6)
    lines = [f"c\t{p + 1}\t.\t{r}\t{a}\t.\t.\t.\tGT\t0|1" for p, r, a in changes]
    wrong = next(a for a in "ACGT" if a != CONTIG[99])
    lines.insert(0, f"c\t100\twrong\t{wrong}\tGG\t.\t.\t.\tGT\t0|1")
    columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\n"
    text = "##fileformat=VCFv4.2\n" + columns + "\n".join(lines) + "\n"
    workspace.write("calls.vcf", text)
    config = yaml.safe_load((workspace.folder / "config/config.yaml").read_text())
    del config["sequences"]
    settings = {"path": "calls.vcf", "genome": "genome.fa", "model": "tiny", "shards": shards, "strand": "-"}
    config["models"]["tiny"]["sketch"]["batch_size"] = 50
    config["variants"] = {"calls": settings}
    workspace.write("config/config.yaml", yaml.safe_dump(config))
    return workspace, len(lines) - 1


def test_variants_alone_are_a_whole_analysis(tmp_path):
    workspace, count = workspace_of(tmp_path / "run", 2)
    folder = workspace.folder / "results/tiny/calls"
    assert "1 variants are left out" in workspace.run().stderr
    table = pd.read_csv(folder / "variants.tsv", sep="\t")
    assert len(table) == 2 * count and set(table["output"]) == {"g", "t"}
    dropped = pd.read_csv(folder / "dropped.tsv", sep="\t")
    assert dropped["variant_id"].tolist() == ["wrong"] and dropped["record"].tolist() == [3]
    haplotypes = pd.read_csv(folder / "haplotypes.tsv", sep="\t")
    shared = haplotypes.groupby(["haplotype", "output"])
    assert len(shared) > 20 and (haplotypes["players"] > 1).all()
    assert (shared["shapley_value"].sum() - shared["joint"].first()).abs().max() < 1e-6
    names = ("variants.tsv", "variants.vcf.gz", "variants.parquet", "haplotypes.tsv", "haplotype_interactions.tsv")
    made = {name: (folder / name).read_bytes() for name in names}
    (folder / "shards/1-of-2.json").write_text("{}")  # a shard that is not whole
    kept = (folder / "shards/2-of-2.effects.parquet").stat().st_mtime_ns
    (folder / "variants.parquet").unlink()
    workspace.run("--forcerun", "ask_variants")
    log = (workspace.folder / "logs/tiny/calls/ask_variants/2-of-2.log").read_text()
    assert "2-of-2 is asked, whole and from the same: it stays" in log
    assert kept <= (folder / "shards/2-of-2.effects.parquet").stat().st_mtime_ns
    workspace.configure(variants__calls__shards=3)
    workspace.run()
    assert {name: (folder / name).read_bytes() for name in made} == made
    assert not workspace.leftovers()
