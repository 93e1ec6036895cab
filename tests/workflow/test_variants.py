"""Genomes through the whole workflow: intervals explained, variants asked about, sharded, broken and gone on with."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyBigWig
import pytest
import yaml

from shapsketch.settings.config import check_names
from shapsketch.storage.files import sha256_file
from variant_cases import random_changes, random_letters
from workflow.helpers import ROOT, Workspace

CONTIG = random_letters(2000)
COUNTED = {"from_sequences": {"queries": "some"}}
# A Snakefile that writes what the provenance of the variants v of the model tiny would record.
RECORD = f"""
include: "{ROOT}/workflow/Snakefile"

with open("record.json", "w") as file:
    names = SimpleNamespace(model="tiny", variants="v")
    record = {{"config": get_variants_config(names), "inputs": get_variants_outside(names)}}
    json.dump(record, file)

rule nothing:
    default_target: True
"""


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
    workspace.write("peaks.bed", "".join(f"c\t{p}\t{p + 9}\tp{p}\t0\t{'+-'[p % 2]}\n" for p in range(50, 1900, 37)))
    config = yaml.safe_load((workspace.folder / "config/config.yaml").read_text())
    config["sequences"] = {"peaks": {"path": "peaks.bed", "genome": "genome.fa"}}
    settings = {"path": "calls.vcf", "genome": "genome.fa", "model": "tiny", "shards": shards, "strand": "-"}
    config["models"]["tiny"]["sketch"]["batch_size"] = 50
    config["variants"] = {"calls": settings}
    config["models"]["tiny"]["sketch"] |= {"budget": 600, "shards": 1}
    config["models"]["tiny"]["recovery"] = {"learning_curve": False, "estimator": "regression"}
    config["explain"] = {"mutations": True}
    config["motifs"] = {"count": 1, "bootstrap": 0, "min_instances": 1, "seqlets": False}
    workspace.write("config/config.yaml", yaml.safe_dump(config))
    return workspace, len(lines) - 1


def test_intervals_and_variants_of_a_genome(tmp_path):
    workspace, count = workspace_of(tmp_path / "run", 2)
    folder = workspace.folder / "results/tiny/calls"
    assert "1 variants are left out" in workspace.run().stderr
    assert '"contributions":{"' in (folder / "variants.html").read_text()
    table = pd.read_csv(folder / "variants.tsv", sep="\t")
    assert (table["sketch_delta"] - table["delta"]).abs().max() < 0.2 and (table["null_changes"] == 24).all()
    assert len(table) == 2 * count and set(table["output"]) == {"g", "t"}
    dropped = pd.read_csv(folder / "dropped.tsv", sep="\t")
    assert dropped["variant_id"].tolist() == ["wrong"] and dropped["record"].tolist() == [3]
    haplotypes = pd.read_csv(folder / "haplotypes.tsv", sep="\t")
    shared = haplotypes.groupby(["haplotype", "output"])
    assert len(shared) > 20 and (haplotypes["players"] > 1).all()
    assert (shared["shapley_value"].sum() - shared["joint"].first()).abs().max() < 1e-6
    names = ("variants.tsv", "variants.vcf.gz", "variants.parquet", "haplotypes.tsv", "haplotype_interactions.tsv")
    made = {name: (folder / name).read_bytes() for name in names}
    of_haplotypes = pq.read_schema(folder / "placed_haplotypes.parquet").metadata
    placed = sha256_file(folder / "placed.parquet")  # which knows the genome
    assert placed.encode() in b"".join(of_haplotypes.values())
    check_tracks(folder.with_name("peaks"))
    check_provenance(folder)
    mutations = pd.read_csv(folder.with_name("peaks") / "mutations/checked.tsv", sep="\t")
    assert len(mutations) == 400 and (mutations["delta"] - mutations["model_delta"]).abs().max() < 0.2
    assert (folder.with_name("peaks") / "mutations/figures/g.mean.svg").exists()
    (folder / "shards/1-of-2.json").write_text("{}")  # a shard that is not whole
    kept = (folder / "shards/2-of-2.effects.parquet").stat().st_mtime_ns
    workspace.run("--forcerun", "ask_variants", "--", *(f"results/tiny/calls/{name}" for name in names))
    log = (workspace.folder / "logs/tiny/calls/ask_variants/2-of-2.log").read_text()
    assert "2-of-2 is asked, whole and from the same: it stays" in log
    assert kept <= (folder / "shards/2-of-2.effects.parquet").stat().st_mtime_ns
    assert {name: (folder / name).read_bytes() for name in made} == made
    assert not workspace.leftovers()


def check_provenance(folder):
    """The record of variants names what they were made from and the bytes that came out; that of sequences has none."""
    record = json.loads((folder / "provenance.json").read_text())
    for name in ("calls.vcf", "genome.fa", "model.py"):
        assert record["inputs"][name] == sha256_file(folder.parents[2] / name)
    assert set(record["versions"]) == {"spectrum", "effects", "report"} and record["hashes"]["plan"]
    assert record["config"]["variants"]["calls"]["sketch"] is True and record["config"]["analyses"] == "none"
    assert {"calls/variants.parquet", "calls/variants.vcf.gz", "calls/haplotypes.parquet"} <= record["results"].keys()
    assert all(sha256_file(folder.parent / name) == own for name, own in record["results"].items())
    others = json.loads((folder.with_name("peaks") / "provenance.json").read_text())
    assert others["config"]["variants"] == {}, "what repeats an analysis would look for the files of variants"


def check_tracks(folder):
    """What the tables say of windows is what the tracks say of the genome."""
    values = pd.read_parquet(folder / "shapley_values.parquet")
    interactions = pd.read_parquet(folder / "interactions.parquet")
    places = ["sequence_id", "contig", "start", "end", "strand"]
    assert list(values.columns[:5]) == places == list(interactions.columns[:5])
    assert len(values) == 100
    for output in "gt":
        with pyBigWig.open(str(folder / f"genome/{output}.contributions.bw")) as track:
            for row in values[values["output"] == output].itertuples():
                own = np.array([getattr(row, f"pos_{k}") for k in range(1, 9)])
                read = track.values(row.contig, row.start, row.end)
                np.testing.assert_allclose(read, own if row.strand == "+" else own[::-1], atol=1e-6)
    bed = pd.read_csv(folder / "genome/instances.bed", sep="\t", header=None)
    instances = pd.read_csv(folder / "motifs/instances.tsv", sep="\t")
    assert len(bed) == len(instances) > 0
    pairs = pd.read_csv(folder / "genome/g.interactions.bedpe", sep="\t", header=None)
    assert len(pairs) == ((interactions["order"] == 2) & (interactions["output"] == "g")).sum() > 0


def test_variants_alone_are_a_whole_analysis(tmp_path):
    workspace, _ = workspace_of(tmp_path / "run", 1)
    config = yaml.safe_load((workspace.folder / "config/config.yaml").read_text())
    del config["sequences"]
    workspace.write("config/config.yaml", yaml.safe_dump(config))
    rules = workspace.planned()
    assert rules.keys() == {
        "default", "check_model", "prepare_variants", "ask_variants", "merge_variants", "write_vcf", "group_haplotypes",
        "ask_haplotypes", "merge_haplotypes", "report_variants", "compare_analyses",
    }  # fmt: skip
    workspace.run("results/estimate.tsv")
    assert (workspace.folder / "results/estimate.tsv").read_text().count("\n") == 1
    assert "not counted: the variants of calls" in (workspace.folder / "logs/estimate.log").read_text()
    config["models"]["another"] = config["models"]["tiny"]
    config["variants"]["calls"] |= {"beside": ["another"], "label": "CLASS", "predictors": ["AM"]}
    workspace.write("config/config.yaml", yaml.safe_dump(config))
    scored = workspace.planned()
    assert scored["score_variants"] == 1 and scored["ask_variants"] == 2 and scored["ask_haplotypes"] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"models__tiny__background": COUNTED},
        {"models__tiny__sketch__near": {"sequences": "peaks", "share": 0.2}},
        {"models__other__background": COUNTED, "variants__v__beside": ["other"]},
        {"models__other__background": COUNTED, "variants__v__beside": ["other"], "variants__v__sketch": True},
        {"models__tiny__background": {"draws": {"path": "some.fa"}}, "explain": {"mode": "masks"}},
    ],
)
def test_the_record_of_variants_has_all_that_its_config_names(tmp_path, changes):
    """What repeats them checks the whole config, also what no effect depends on."""
    workspace = Workspace(tmp_path / "run")
    other = yaml.safe_load((workspace.folder / "config/config.yaml").read_text())["models"]["tiny"]
    workspace.write("v.csv", "mutant,score\nA1C,0.5\nC2G,0.1\n")
    workspace.write("peaks.bed", "c\t100\t108\n")
    workspace.write("genome.fa", f">c\n{CONTIG}\n")
    workspace.write("Snakefile", RECORD)
    workspace.configure(
        models__other=other,
        sequences__peaks={"path": "peaks.bed", "genome": "genome.fa"},
        analyses="none",
        variants={"v": {"path": "v.csv", "sequence": "ACGTACGT", "score": "score", "model": "tiny"}},
    )
    workspace.configure(**changes)
    workspace.run("--dry-run", snakefile=workspace.folder / "Snakefile")
    record = json.loads((workspace.folder / "record.json").read_text())
    check_names(record["config"], files=False)
    assert {"v.csv", "model.py", *named_paths(record["config"])} <= set(record["inputs"])


def named_paths(config):
    """Every file that some part of a config names as its path or genome."""
    paths = {config[key] for key in ("path", "genome") if key in config}
    return paths.union(*(named_paths(part) for part in config.values() if isinstance(part, dict)))
