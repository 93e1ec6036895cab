"""Turn a model that is an ensemble of trees into its exact spectrum, without a sketch.

Creates `results/{model}/spectrum/spectrum.npz`, `students.npz` (empty), `faithfulness.json` and `holdout.tsv`
from the model's files.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from shapsketch.recovery.exact_trees import expand
    from shapsketch.recovery.student import save_students
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.reader import configured_background
    from shapsketch.sequences.template import Template
    from shapsketch.settings.sources import locate
    from shapsketch.spectrum.spectrum_file import save_spectra
    from shapsketch.storage.files import write_json, write_text
    from shapsketch.storage.parquet import tsv_text

    model, max_order = snakemake.params.model, snakemake.params.max_order
    template = Template(Alphabet.from_config(model["alphabet"]), model["template"])
    notes: list[str] = []
    spectra, records, points = expand(
        locate(snakemake.params.source, snakemake.input.get("model")),
        model["outputs"],
        configured_background(template, model["background"], snakemake.input.get("background"), notes.append),
        max_order=None if max_order == "auto" else max_order,
        seed=model["sketch"]["seed"],
    )
    for sentence in notes:
        tell(f"{snakemake.wildcards.model}: {sentence}")
    for record in records.values():
        record["notes"] = notes
    save_spectra(snakemake.output.spectrum, spectra)
    save_students(snakemake.output.students, {spectrum.output: None for spectrum in spectra})
    write_json(snakemake.output.faithfulness, records)
    write_text(snakemake.output.holdout, tsv_text(points))
