"""Evaluate the model at one shard of the planned queries.

Creates `results/{model}/sketch/shards/{scatteritem}.npz` from the plan and the model.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from tqdm import tqdm

    from shapsketch.design import Plan
    from shapsketch.files import save_npz
    from shapsketch.sketch import sample_shard, shard_range

    plan = Plan.load(snakemake.input.plan)
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = shard_range(plan.size, plan.batch_size, shard, shards)
    with tqdm(total=stop - start, unit="sequence", mininterval=5) as bar:
        arrays = sample_shard(plan, snakemake.params.source, shard, shards, bar.update)
    save_npz(snakemake.output.shard, arrays)
