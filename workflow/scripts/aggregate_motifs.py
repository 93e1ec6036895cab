"""Sum explanations up: mean contributions of letters, and the strongest gapped interaction motifs.

Creates `contributions.tsv`, `motifs.tsv`, `motif_matrices.tsv`, `instances.tsv`,
`position_interactions.tsv` and `motifs.meme` in `results/{model}/{queries}/motifs/` from the
explanations and the spectrum.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    import pandas as pd

    from shapsketch.files import write_text
    from shapsketch.meme import meme_text
    from shapsketch.motifs import summarise
    from shapsketch.spectrum import load_spectra
    from shapsketch.tables import read_explained

    spectra = load_spectra(snakemake.input.spectrum)
    sequences, values = read_explained(snakemake.input.sequences, snakemake.input.values)
    count, min_instances = snakemake.params.most, snakemake.params.min_instances
    summaries = [
        summarise(spectrum, sequences, values[output], count=count, min_instances=min_instances)
        for output, spectrum in spectra.items()
    ]
    for name in summaries[0].tables:
        table = pd.concat([summary.tables[name] for summary in summaries])
        write_text(snakemake.output[name], table.to_csv(sep="\t", index=False, float_format="%.6g"))
    background = next(iter(spectra.values())).background
    template = background.template
    motifs = [motif for summary in summaries for motif in summary.motifs]
    frequencies = background.probabilities[template.free].mean(0)
    write_text(snakemake.output.meme, meme_text(template.alphabet, motifs, frequencies))
