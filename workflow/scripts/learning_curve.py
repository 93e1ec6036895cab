"""Draw up the learning curve: R2 on the hold-out against evaluations.

Creates `results/{model}/spectrum/learning_curve.tsv` from the merged sketch and the score of its spectrum.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from shapsketch.recovery.learning_curve import learning_curve
    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.sketch import Sketch
    from shapsketch.storage.files import read_json, write_text
    from shapsketch.storage.tsv import table_text

    max_order = snakemake.params.max_order
    sketch = Sketch.load(snakemake.input.sketch, Plan.load(snakemake.input.plan))
    with script.progress("learning curve", "point") as bar:
        curve = learning_curve(
            sketch,
            read_json(snakemake.input.faithfulness),
            [read_json(path) for path in snakemake.input.get("rounds", [])],
            max_order=None if max_order == "auto" else max_order,
            minutes=snakemake.params.minutes,
            threads=snakemake.threads,
            finished=bar.update,
        )
    write_text(snakemake.output.curve, table_text(curve))
