"""Read intervals of a genome, and cut a window as long as the model's input around each.

Creates `results/{model}/{sequences}/sequences.parquet` and `dropped.tsv` from a BED, narrowPeak, GTF or GFF file and a
genome. Needs no model, so mistakes in the files are told before any is evaluated.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pyarrow as pa

    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.genome import Genome
    from shapsketch.sequences.intervals import COLUMNS, stream_intervals
    from shapsketch.sequences.template import Template
    from shapsketch.storage.files import atomic_path
    from shapsketch.storage.parquet import parquet_writer
    from shapsketch.storage.tsv import table_text

    params, files = snakemake.params, snakemake.input
    template = Template(Alphabet.from_config(params.alphabet), params.template)
    pieces = stream_intervals(files.sequences, Genome(files.genome), template, **params.settings)
    schema = pa.schema([(name, pa.int64() if name in ("start", "end") else pa.string()) for name in COLUMNS])
    with (
        parquet_writer(snakemake.output.sequences, schema) as writer,
        atomic_path(snakemake.output.dropped) as temporary,
        script.progress(f"read {snakemake.wildcards.sequences}", "interval") as progress,
    ):
        left_out = 0
        for number, (kept, dropped) in enumerate(pieces):
            left_out += len(dropped)
            kept["sequence"] = template.alphabet.normalise(kept["sequence"].tolist())
            writer.write(pa.Table.from_pandas(kept, schema, preserve_index=False))
            with open(temporary, "a", encoding="utf-8", newline="\n") as file:
                file.write(table_text(dropped, header=number == 0))
            progress.update(len(kept))
    if left_out:
        tell(f"{snakemake.wildcards.sequences}: {left_out} intervals are left out; {snakemake.output.dropped} says why")
