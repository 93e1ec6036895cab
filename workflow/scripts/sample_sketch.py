"""Evaluate the model at one shard of the planned queries.

Creates `results/{model}/sketch/shards/{scatteritem}.npz` from the plan and the model; without evaluations, if
the round before was good enough. A shard that is there already, whole and of the same plan, stays as it is.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from pathlib import Path

    from shapsketch.sampling.design import check_estimator
    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.shard_files import earlier_shards, keep_earlier
    from shapsketch.sampling.sketch import is_sampled, query_range, sample_shard
    from shapsketch.settings.sources import locate
    from shapsketch.storage.files import read_json, save_npz

    plan, path = Plan.load(snakemake.input.plan), Path(snakemake.output.shard)
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = query_range(plan, shard, shards)
    source = locate(snakemake.params.source, snakemake.input.get("model"))
    before = snakemake.input.get("before")
    enough = bool(before) and read_json(before)["enough"]
    if is_sampled(path, plan, shard, shards, skip=enough):
        tell(f"{path} is whole and of this plan: it stays, and the model is not asked again")
        path.touch()
    else:
        # The config may have changed since the sketch was planned.
        check_estimator(plan, snakemake.config["models"][snakemake.wildcards.model]["recovery"]["estimator"])
        with script.progress(f"sample {snakemake.wildcards.model}", "sequence", stop - start) as bar:
            arrays = sample_shard(plan, source, shard, shards, bar.update, skip=enough, earlier=earlier_shards(path))
        keep_earlier(path, plan, skip=enough)
        save_npz(path, arrays)
