"""Recover the spectrum of each output from the sketch, and score it on the hold-out.

Creates `results/{model}/spectrum/spectrum.npz`, `students.npz`, `faithfulness.json` and `holdout.tsv` from the
merged sketch.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import time

    import pandas as pd

    from shapsketch.fidelity.faithfulness import scored_points
    from shapsketch.recovery.scored import recover_scored
    from shapsketch.recovery.student import save_students
    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.sketch import Sketch
    from shapsketch.spectrum.spectrum_file import save_spectra
    from shapsketch.storage.files import read_json, write_json, write_text
    from shapsketch.storage.parquet import tsv_text

    plan = Plan.load(snakemake.input.plan)
    sketch = Sketch.load(snakemake.input.sketch, plan)
    made_of = {key: read_json(snakemake.input.plan).get(key) for key in ("table", "notes")}
    max_order = snakemake.params.max_order
    records, students, points = {}, {}, []
    began = time.perf_counter()
    with script.steps(f"recover {snakemake.wildcards.model}") as begin:
        recovered = recover_scored(
            sketch,
            estimator=snakemake.params.estimator,
            max_order=None if max_order == "auto" else max_order,
            minutes=snakemake.params.minutes,
            threads=snakemake.threads,
            begin=begin,
        )
    seconds = time.perf_counter() - began
    for number, (output, (spectrum, record, student)) in enumerate(zip(plan.outputs, recovered, strict=True)):
        records[output] = {**record, **made_of, "seconds": round(seconds, 2)}
        students[output] = student
        points.append(scored_points(spectrum, sketch, number))
    save_spectra(snakemake.output.spectrum, [scored.spectrum for scored in recovered])
    save_students(snakemake.output.students, students)
    write_json(snakemake.output.faithfulness, records)
    write_text(snakemake.output.holdout, tsv_text(pd.concat(points, ignore_index=True)))
