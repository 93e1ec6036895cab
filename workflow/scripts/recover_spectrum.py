"""Recover the spectrum of each output from the sketch, and score it on the hold-out.

Creates `results/{model}/spectrum/spectrum.npz` and `faithfulness.json` from the merged sketch.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    import time

    from shapsketch.design import Plan
    from shapsketch.faithfulness import report
    from shapsketch.files import write_json
    from shapsketch.recovery import recover
    from shapsketch.sketch import Sketch
    from shapsketch.spectrum import save_spectra
    from tqdm import tqdm

    plan = Plan.load(snakemake.input.plan)
    sketch = Sketch.load(snakemake.input.sketch, plan)
    max_order = snakemake.params.max_order
    spectra, records = [], {}
    for number, output in enumerate(tqdm(plan.outputs, unit="output")):
        began = time.perf_counter()
        spectrum, tried = recover(
            sketch,
            number,
            estimator=snakemake.params.estimator,
            max_order=None if max_order == "auto" else max_order,
        )
        seconds = time.perf_counter() - began
        records[output] = {**tried, **report(spectrum, sketch, number), "seconds": round(seconds, 2)}
        spectra.append(spectrum)
    save_spectra(snakemake.output.spectrum, spectra)
    write_json(snakemake.output.faithfulness, records)
