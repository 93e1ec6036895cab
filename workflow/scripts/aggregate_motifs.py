"""Sum explanations up: contributions of letters, interaction maps, and the motifs that recur over the sequences.

Creates the tables, `instances.bed` and `motifs.meme` in `results/{model}/{sequences}/motifs/` from the explanations and
the spectrum. Holds one piece of the sequences at a time.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import pandas as pd

    from shapsketch.motifs import Settings, summarise
    from shapsketch.motifs.instance_files import instance_files
    from shapsketch.motifs.meme import meme_text
    from shapsketch.motifs.reading import Explained
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import write_text
    from shapsketch.storage.parquet import group_names
    from shapsketch.storage.tsv import table_text

    spectra = load_spectra(snakemake.input.spectrum)
    background = next(iter(spectra.values())).background
    template, groups = background.template, group_names(snakemake.input.sequences)
    settings = Settings(**snakemake.params.settings)
    with (
        instance_files(snakemake.output.instances, snakemake.output.bed) as write,
        script.progress("motifs", "output", len(spectra)) as bar,
    ):
        summaries = []
        for number, spectrum in enumerate(spectra.values()):
            explained = Explained(template, snakemake.input.sequences, snakemake.input["values"], number, groups)
            summaries.append(summarise(spectrum, explained, settings, write))
            bar.update()
    for name in summaries[0].tables:
        table = pd.concat([summary.tables[name] for summary in summaries])
        write_text(snakemake.output[name], table_text(table))
    matrices = [matrix for summary in summaries for matrix in summary.matrices]
    frequencies = background.probabilities[template.free].mean(0)
    write_text(snakemake.output.meme, meme_text(template.alphabet, matrices, frequencies))
