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
    from shapsketch.recovery import recover
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
    bar = script.progress("recover", "output", len(plan.outputs))
    for number, output in enumerate(plan.outputs):
        began = time.perf_counter()
        recovered = recover(
            sketch,
            number,
            estimator=snakemake.params.estimator,
            max_order=None if max_order == "auto" else max_order,
            threads=snakemake.threads,
            started=lambda name, output=output: bar.set_description(f"recover {output}: {name}"),
        )
        seconds = time.perf_counter() - began
        scores = report(recovered.spectrum, sketch, number, recovered.student)
        records[output] = {**recovered.details, **scores, **made_of, "seconds": round(seconds, 2)}
        spectra.append(recovered.spectrum)
        students[output] = recovered.student
        bar.update()
        points.append(scored_points(recovered.spectrum, sketch, number))
    bar.close()
    save_spectra(snakemake.output.spectrum, spectra)
    save_students(snakemake.output.students, students)
    write_json(snakemake.output.faithfulness, records)
    write_text(snakemake.output.holdout, tsv_text(pd.concat(points, ignore_index=True)))
