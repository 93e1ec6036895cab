"""Say which positions and which pairs of positions separate the classes of labelled variants.

Creates `results/{model}/{variants}/separation.tsv` from the effects, the reference and the spectrum.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pyarrow.parquet as pq

    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text
    from shapsketch.variants.classes import Truth
    from shapsketch.variants.predictors import variants_of
    from shapsketch.variants.separation import MAX_VARIANTS, separation_table
    from shapsketch.variants.setup import set_up

    params, files = snakemake.params, snakemake.input
    spectra = list(load_spectra(files.spectrum).values())
    setup = set_up(params.settings, files.variants, files.get("genome"), spectra[0].template, True)
    variants = variants_of(pq.read_table(files.effects).to_pandas())
    truth = Truth.read(variants, params.positive, params.negative)
    labelled = int(truth.labelled.sum())
    if labelled > MAX_VARIANTS:
        tell(f"{snakemake.wildcards.variants}: {MAX_VARIANTS} of {labelled} variants with a label are compared")
    table = separation_table(variants, truth, spectra, setup.reference, setup.checker.placing, params.seed)
    write_text(snakemake.output.separation, table_text(table))
