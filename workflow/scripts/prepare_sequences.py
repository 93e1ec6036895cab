"""Read, check and normalise the sequences to explain.

Creates `results/{model}/{queries}/sequences.parquet` and `dropped.tsv` from a FASTA, FASTQ, CSV or TSV
file. Needs no model, so mistakes in the file are told before any is evaluated.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    import pyarrow as pa

    from shapsketch.alphabet import Alphabet
    from shapsketch.files import atomic_path
    from shapsketch.sequences import read_sequences
    from shapsketch.tables import write_parquet
    from shapsketch.template import Template

    kept, dropped = read_sequences(
        snakemake.input.sequences,
        Template(Alphabet.from_config(snakemake.params.alphabet), snakemake.params.template),
        table_schema=snakemake.params.table_schema,
        ambiguous=snakemake.params.ambiguous,
        mismatch=snakemake.params.mismatch,
    )
    write_parquet(snakemake.output.sequences, pa.Table.from_pandas(kept, preserve_index=False))
    with atomic_path(snakemake.output.dropped) as temporary:
        dropped.to_csv(temporary, sep="\t", index=False)
    print(f"{len(kept)} sequences kept, {len(dropped)} dropped")
