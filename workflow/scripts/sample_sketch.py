"""Evaluate the model at one shard of the planned queries.

Creates `results/{model}/sketch/shards/{scatteritem}.npz` from the plan and the model; without evaluations, if
the round before was good enough.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from shapsketch.design import Plan
    from shapsketch.files import read_json, save_npz
    from shapsketch.sketch import query_range, sample_shard

    plan = Plan.load(snakemake.input.plan)
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = query_range(plan, shard, shards)
    before = snakemake.input.get("before")
    enough = bool(before) and read_json(before)["enough"]
    with stage.progress(f"sample {snakemake.wildcards.model}", "sequence", stop - start) as bar:
        arrays = sample_shard(plan, snakemake.params.source, shard, shards, bar.update, skip=enough)
    save_npz(snakemake.output.shard, arrays)
