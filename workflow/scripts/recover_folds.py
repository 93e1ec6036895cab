"""Recover the spectrum of every fold of a model, each from the same queries.

Creates `results/{model}/spectrum/folds.npz` and `folds.json` from the merged sketch: the spectra `OUTPUT.1`,
`OUTPUT.2`, ..., and the score of each on the hold-out.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from dataclasses import replace

    from shapsketch.fidelity.faithfulness import report
    from shapsketch.recovery import recover_outputs
    from shapsketch.sampling.plan import Plan
    from shapsketch.sampling.sketch import Sketch
    from shapsketch.spectrum.spectrum_file import save_spectra
    from shapsketch.storage.files import write_json

    plan = Plan.load(snakemake.input.plan)
    sketch = Sketch.load(snakemake.input.sketch, plan).folds_as_outputs()
    max_order = snakemake.params.max_order
    with script.steps(f"recover the folds of {snakemake.wildcards.model}") as begin:
        recoveries = recover_outputs(
            sketch,
            estimator=snakemake.params.estimator,
            max_order=None if max_order == "auto" else max_order,
            threads=snakemake.threads,
            begin=begin,
        )
    spectra = [one.spectrum for one in recoveries]
    scores = [report(spectrum, sketch, number) for number, spectrum in enumerate(spectra)]
    folds = len(spectra) // len(plan.outputs)
    spread = {output: scores[k * folds : (k + 1) * folds] for k, output in enumerate(plan.outputs)}
    provenance = [{**spectrum.provenance, "plan": plan.hash} for spectrum in spectra]
    save_spectra(
        snakemake.output.spectra,
        [replace(one, provenance=own) for one, own in zip(spectra, provenance, strict=True)],
    )
    write_json(
        snakemake.output.scores,
        {output: {"folds": folds, "fold_r2": [score["r2"] for score in own]} for output, own in spread.items()},
    )
