"""Put the shards of a sketch together.

Creates `results/{model}/sketch/sketch.npz` from the plan and all shards.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from shapsketch.design import Plan
    from shapsketch.sketch import merge_shards

    merge_shards(Plan.load(snakemake.input.plan), snakemake.input.shards).save(snakemake.output.sketch)
