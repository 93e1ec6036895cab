"""Measure how long one evaluation of a model takes here.

Creates `results/{model}/sketch/rate.json` from the plan and the model, which is asked for some seconds.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from shapsketch.design import Plan
    from shapsketch.files import write_json
    from shapsketch.sketch import measure_rate
    from shapsketch.sources import locate

    plan = Plan.load(snakemake.input.plan)
    rate = measure_rate(plan, locate(snakemake.params.source, snakemake.input.get("model")), seconds=5.0)
    write_json(snakemake.output.rate, {"plan": plan.hash, **rate})
