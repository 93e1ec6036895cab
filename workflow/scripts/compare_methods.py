"""Explain some of the sequences by other methods too, and set them beside the sketch: accuracy against cost.

Creates `results/{model}/{sequences}/comparison.tsv` from the spectrum, the sequences and the model.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pyarrow.parquet as pq

    from shapsketch.comparison.analysis import prepare
    from shapsketch.models import Model
    from shapsketch.recovery.student import load_students
    from shapsketch.settings.sources import locate
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import read_json, write_text
    from shapsketch.storage.tsv import table_text

    params, files = snakemake.params, snakemake.input
    spectra = load_spectra(files.spectrum)
    template = next(iter(spectra.values())).template
    model = Model(locate(params.source, files.get("model")), template, list(spectra), params.batch_size)
    sequences = pq.read_table(files.sequences, columns=["sequence"])["sequence"].to_pylist()
    with script.progress("long-run truth", "permutation") as bar:

        def advance(level: int, pairs: int, left: float) -> None:  # noqa: D103
            bar.total = max(pairs, round(left))
            bar.update(pairs - bar.n)

        comparison = prepare(
            model,
            spectra,
            load_students(files.students),
            read_json(files.faithfulness),
            sequences,
            params.compare,
            budget=params.budget,
            exact=params.exact,
            seed=params.seed,
            threads=snakemake.threads,
            tell=advance,
        )
    with script.progress("compare methods", "run", len(comparison.runs())) as bar:
        table = comparison(bar.update)
    for note in table.loc[table["r2"].isna(), "note"].unique():
        tell(note)
    write_text(snakemake.output.table, table_text(table))
