"""Read, check and normalise the sequences to explain.

Creates `results/{model}/{sequences}/sequences.parquet` and `dropped.tsv` from a FASTA, FASTQ, CSV, TSV or Parquet
file. Needs no model, so mistakes in the file are told before any is evaluated.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pyarrow as pa

    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.reader import stream_sequences
    from shapsketch.sequences.template import Template
    from shapsketch.storage.files import atomic_path
    from shapsketch.storage.parquet import parquet_writer
    from shapsketch.storage.tsv import table_text

    params = snakemake.params
    pieces = stream_sequences(
        snakemake.input.sequences,
        Template(Alphabet.from_config(params.alphabet), params.template),
        table_schema=params.table_schema,
        ambiguous=params.ambiguous,
        mismatch=params.mismatch,
        group=params.group,
    )
    schema = pa.schema([(name, pa.string()) for name in ("sequence_id", "sequence", "group")])
    with (
        parquet_writer(snakemake.output.sequences, schema) as writer,
        atomic_path(snakemake.output.dropped) as temporary,
        script.progress(f"read {snakemake.wildcards.sequences}", "sequence") as progress,
    ):
        left_out = 0
        for number, (kept, dropped) in enumerate(pieces):
            left_out += len(dropped)
            writer.write(pa.Table.from_pandas(kept, schema, preserve_index=False))
            with open(temporary, "a", encoding="utf-8", newline="\n") as file:
                file.write(table_text(dropped, header=number == 0))
            progress.update(len(kept))
    if left_out:
        tell(f"{snakemake.wildcards.sequences}: {left_out} records are left out; {snakemake.output.dropped} says why")
