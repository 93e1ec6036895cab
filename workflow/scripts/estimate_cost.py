"""Estimate what the config costs: jobs, seconds, core hours, and the time until the end with so many jobs at once.

Creates `results/estimate.tsv` from the measured rates and the numbers of sequences, and shows the sums.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pandas as pd
    import pyarrow.parquet as pq

    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.template import Template
    from shapsketch.settings.cost import estimate, wall_seconds
    from shapsketch.settings.mechanism_cost import mechanism_rows
    from shapsketch.settings.methods import most_evaluations
    from shapsketch.storage.files import read_json, write_text
    from shapsketch.storage.tsv import table_text

    params = snakemake.params
    nothing = {"seconds_per_evaluation": 0.0, "load_seconds": 0.0, "evaluations": 0}
    rates, tables = iter(snakemake.input.get("rates", [])), iter(snakemake.input.sequences)
    checks = iter(snakemake.input.get("checks", []))
    rows = []
    for model, work in params.models.items():
        rate = nothing if model in params.unasked else read_json(next(rates))
        sequences = [pq.read_metadata(next(tables)).num_rows for _ in work["sequences"]]
        checked = read_json(next(checks))["evaluations"] if model in params.checked else 0
        template = Template(Alphabet.from_config(work["alphabet"]), work["template"])
        compared = sum(
            most_evaluations(params.compare, template, work["outputs"], work["budget"], n) for n in sequences
        )
        rows += [{"model": model, **row} for row in estimate({**work, "checked": checked}, rate, sequences, compared)]
    sizes = read_json(snakemake.input.sizes[0]) if params.mechanisms else {}
    rates, tables = (iter(snakemake.input.get(f"mechanism_{kind}", [])) for kind in ("rates", "sequences"))
    for name, entry in params.mechanisms.items():
        drawn = entry["sequences"]
        count = drawn["background"] if isinstance(drawn, dict) else pq.read_metadata(next(tables)).num_rows
        stages = mechanism_rows(name, entry, count, sizes[name], read_json(next(rates)))
        rows += [{"model": entry["model"], **stage} for stage in stages]
        size = count * sizes[name]["bytes_per_sequence"]
        tell(f"the activations of mechanism.{name} take {size / 1e9:.3g} GB on disk, of {count} sequences")
    columns = ["model", "stage", "evaluations", "jobs", "job_seconds", "core_hours"]
    table = pd.DataFrame(rows, columns=columns)
    write_text(snakemake.output.table, table_text(table, 4))
    if params.variants:
        tell(f"not counted: the variants of {', '.join(params.variants)}, two sequences of each, and their haplotypes")
    hours, evaluations, jobs = (table[name].sum() for name in ("core_hours", "evaluations", "jobs"))
    tell(f"{evaluations} evaluations in {jobs} jobs: {hours:.2f} core hours")
    for at_once in (1, 10, 100):
        tell(f"with {at_once} jobs at once, the end comes after about {wall_seconds(rows, at_once) / 60:.1f} minutes")
