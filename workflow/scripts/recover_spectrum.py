"""Recover the spectrum of each output from the sketch, and score it on the hold-out.

Creates `results/{model}/spectrum/spectrum.npz`, `students.npz`, `faithfulness.json` and `holdout.tsv` from the
merged sketch.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import time

    import pandas as pd

    from shapsketch.fidelity.faithfulness import report, scored_points
    from shapsketch.recovery import recover_outputs
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
    spectra, records, students, points = [], {}, {}, []
    began = time.perf_counter()
    with script.steps(f"recover {snakemake.wildcards.model}") as begin:
        recoveries = recover_outputs(
            sketch,
            estimator=snakemake.params.estimator,
            max_order=None if max_order == "auto" else max_order,
            threads=snakemake.threads,
            begin=begin,
        )
    seconds = time.perf_counter() - began
    for number, (output, recovered) in enumerate(zip(plan.outputs, recoveries, strict=True)):
        scores = report(recovered.spectrum, sketch, number, recovered.student)
        records[output] = {**recovered.details, **scores, **made_of, "seconds": round(seconds, 2)}
        spectra.append(recovered.spectrum)
        students[output] = recovered.student
        points.append(scored_points(recovered.spectrum, sketch, number))
    save_spectra(snakemake.output.spectrum, spectra)
    save_students(snakemake.output.students, students)
    write_json(snakemake.output.faithfulness, records)
    write_text(snakemake.output.holdout, tsv_text(pd.concat(points, ignore_index=True)))
