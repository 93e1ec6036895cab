"""Plan a sketch: divide the budget and fix every query; refuse an estimator that could do nothing with the answers.

Creates `results/{model}/sketch/plan.json` from the model's part of the config, the content of its files, and, for a
background counted from sequences and for near queries, those sequences; and `left_out.tsv`, the rows of a table that
are not used.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from shapsketch.models import identity
    from shapsketch.models.table_model import describe, list_left_out, read_table
    from shapsketch.sampling.design import check_estimator, make_plan
    from shapsketch.sampling.near import read_near
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.background import MARKOV_NOTE
    from shapsketch.sequences.reader import query_background
    from shapsketch.sequences.template import Template
    from shapsketch.settings.near import near_names
    from shapsketch.settings.rounds import stop_rule
    from shapsketch.settings.sources import locate
    from shapsketch.storage.files import read_json, write_text

    model = snakemake.params.model
    source, located = snakemake.params.source, locate(snakemake.params.source, snakemake.input.get("model"))
    template = Template(Alphabet.from_config(model["alphabet"]), model["template"])
    budget, until_r2 = stop_rule(model["sketch"]["budget"])
    table = read_table(located, template, model["outputs"]) if source["kind"] == "table" else None
    notes: list[str] = []
    check, near = snakemake.input.get("check"), model["sketch"].get("near")
    files = dict(zip(near_names(model), snakemake.input.near, strict=True))
    plan = make_plan(
        identity(source, located),
        model["outputs"],
        query_background(template, model["background"], snakemake.input.get("background"), notes.append),
        budget=budget,
        until_r2=until_r2,
        design=model["sketch"]["design"],
        seed=model["sketch"]["seed"],
        batch_size=model["sketch"]["batch_size"],
        table_rows=len(table.codes) if table else None,
        checked=read_json(check)["evaluations"] if check else 0,
        near=read_near(near["share"], files, template, notes.append) if near else None,
    )
    # No parameter of the rule, since another estimator is no reason to plan and sample anew; `sample_sketch` checks it,
    # too, and what `make estimate` plans without a sketch may have any.
    if snakemake.config["explain"]["mode"] != "masks" and snakemake.config["analyses"] != "none":
        check_estimator(plan, snakemake.config["models"][snakemake.wildcards.model]["recovery"]["estimator"])
    if not plan.background.is_product:
        notes.append(MARKOV_NOTE)
    used = describe(table, template, plan.table_order(len(table.codes))) if table else None
    notes += used["notes"] if used else []
    for note in notes:
        tell(f"{snakemake.wildcards.model}: {note}")
    write_text(snakemake.output.left_out, list_left_out(table))
    plan.save(snakemake.output.plan, used, notes)
