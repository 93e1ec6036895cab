"""Draw single changes as heat maps: of all sequences, and of the first ones each.

Creates the SVG and PNG files in `results/{model}/{sequences}/mutations/figures/` from the tables of single changes.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from shapsketch.figures.heat_maps import mutation_map
    from shapsketch.figures.style import save_figure
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.storage.tsv import read_table

    params, folder = snakemake.params, Path(snakemake.output.figures)
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = Alphabet.from_config(params.alphabet)
    for output, rows in read_table(snakemake.input.mean).groupby("output", sort=False):
        figure = mutation_map(rows, "letter", "mean", alphabet, f"{output}, mean over the sequences that change")
        save_figure(figure, folder / f"{output}.mean")
    with pq.ParquetFile(snakemake.input.mutations) as file:
        first = next(file.iter_batches(columns=["sequence_id"]), None)
    names = first["sequence_id"].unique()[: params.drawn] if first else pa.array([], pa.string())
    chosen, drawn = names.to_pylist(), pc.field("sequence_id").isin(names)
    table = pq.read_table(snakemake.input.mutations, filters=drawn).to_pandas()
    for (name, output), rows in table.groupby(["sequence_id", "output"]):
        figure = mutation_map(rows, "alt", "delta", alphabet, f"{output}, {name}")
        save_figure(figure, folder / f"{output}.sequence_{chosen.index(name) + 1}")
