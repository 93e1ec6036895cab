"""Recover what the rounds so far allow, and decide whether the next one is needed.

Creates `results/{model}/sketch/rounds/{round}.json`; once a round was enough, the later ones repeat it.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from shapsketch.recovery.learning_curve import score_round
    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.sketch import merge_shards
    from shapsketch.storage.files import read_json, write_json

    before = snakemake.input.get("before")
    score = read_json(before) if before else {"enough": False}
    if not score["enough"]:
        max_order = snakemake.params.max_order
        sketch = merge_shards(Plan.load(snakemake.input.plan), snakemake.input.shards)
        with script.steps(f"round {snakemake.wildcards.round}") as begin:
            score = score_round(
                sketch,
                estimator=snakemake.params.estimator,
                max_order=None if max_order == "auto" else max_order,
                minutes=snakemake.params.minutes,
                threads=snakemake.threads,
                begin=begin,
            )
    write_json(snakemake.output.score, score)
