"""Plan a sketch: divide the budget and fix every query.

Creates `results/{model}/sketch/plan.json` from the model's part of the config, the content of its
files, and, for a background counted from sequences, those sequences.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from shapsketch.alphabet import Alphabet
    from shapsketch.background import background_from_config
    from shapsketch.design import make_plan
    from shapsketch.models import identity
    from shapsketch.models.table_model import read_table
    from shapsketch.rounds import stop_rule
    from shapsketch.sequences import read_sequences
    from shapsketch.template import Template

    model = snakemake.params.model
    source = snakemake.params.source
    template = Template(Alphabet.from_config(model["alphabet"]), model["template"])
    sequences = None
    if snakemake.input.get("background"):
        table, _ = read_sequences(snakemake.input.background, template, mismatch="drop", ambiguous="drop")
        sequences = table["sequence"]
    budget, until_r2 = stop_rule(model["sketch"]["budget"])
    plan = make_plan(
        identity(source),
        model["outputs"],
        background_from_config(template, model["background"], sequences),
        budget=budget,
        until_r2=until_r2,
        design=model["sketch"]["design"],
        seed=model["sketch"]["seed"],
        batch_size=model["sketch"]["batch_size"],
        table_rows=len(read_table(source, template, model["outputs"])[0]) if source["kind"] == "table" else None,
    )
    plan.save(snakemake.output.plan)
