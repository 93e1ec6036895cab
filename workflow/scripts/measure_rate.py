"""Measure how long one evaluation of a model takes here.

Creates `results/{model}/sketch/rate.json` from the plan and the model, which is asked for some seconds.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.sketch import measure_rate
    from shapsketch.settings.sources import locate
    from shapsketch.storage.files import write_json

    plan = Plan.load(snakemake.input.plan)
    rate = measure_rate(plan, locate(snakemake.params.source, snakemake.input.get("model")), seconds=5.0)
    write_json(snakemake.output.rate, {"plan": plan.hash, **rate})
