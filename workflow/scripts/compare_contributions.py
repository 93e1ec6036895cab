"""Compare the contributions of letters with and without the strongest variants.

Creates `results/{model}/{variants}/contributions.parquet` from the effects, the reference and the spectrum.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import pyarrow.parquet as pq

    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.parquet import write_parquet
    from shapsketch.variants.contributions import paired_contributions
    from shapsketch.variants.setup import set_up

    params, files = snakemake.params, snakemake.input
    spectra = list(load_spectra(files.spectrum).values())
    setup = set_up(params.settings, files.variants, files.get("genome"), spectra[0].template, True)
    effects = pq.read_table(files.effects).to_pandas()
    write_parquet(
        snakemake.output.contributions,
        paired_contributions(effects, spectra, setup.reference, setup.checker.placing),
    )
