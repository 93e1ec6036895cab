"""Recover the spectrum of every fold of a model, each from the same queries.

Creates `results/{model}/spectrum/folds.npz` and `folds.json` from the merged sketch: the spectra `OUTPUT.1`,
`OUTPUT.2`, ..., and the score of each on the hold-out.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from dataclasses import replace

    from shapsketch.recovery.scored import recover_scored
    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.sketch import Sketch
    from shapsketch.spectrum.spectrum_file import save_spectra
    from shapsketch.storage.files import write_json

    plan = Plan.load(snakemake.input.plan)
    sketch = Sketch.load(snakemake.input.sketch, plan).folds_as_outputs()
    max_order = snakemake.params.max_order
    with script.steps(f"recover the folds of {snakemake.wildcards.model}") as begin:
        recovered = recover_scored(
            sketch,
            estimator=snakemake.params.estimator,
            max_order=None if max_order == "auto" else max_order,
            minutes=snakemake.params.minutes,
            threads=snakemake.threads,
            begin=begin,
        )
    folds = len(recovered) // len(plan.outputs)
    r2 = {output: [one.record["r2"] for one in recovered[k * folds :][:folds]] for k, output in enumerate(plan.outputs)}
    save_spectra(
        snakemake.output.spectra,
        [replace(spectrum, provenance={**spectrum.provenance, "plan": plan.hash}) for spectrum, _, _ in recovered],
    )
    write_json(snakemake.output.scores, {output: {"folds": folds, "fold_r2": r2[output]} for output in plan.outputs})
