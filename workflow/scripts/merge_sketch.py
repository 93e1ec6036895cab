"""Put the shards of a sketch together.

Creates `results/{model}/sketch/sketch.npz` from the plan and all shards.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.shard_files import forget_earlier
    from shapsketch.sampling.sketch import merge_shards

    plan = Plan.load(snakemake.input.plan)
    merge_shards(plan, snakemake.input.shards).save(snakemake.output.sketch)
    forget_earlier(Path(snakemake.input.shards[0]).parent, plan)
