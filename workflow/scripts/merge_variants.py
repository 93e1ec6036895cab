"""Put the shards of variants' effects together.

Creates `results/{model}/{variants}/variants.parquet` and `variants.tsv` from the shards.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import pyarrow as pa
    import pyarrow.parquet as pq

    from shapsketch.storage.files import atomic_path
    from shapsketch.storage.manifest import check_manifests
    from shapsketch.storage.parquet import parquet_writer
    from shapsketch.storage.tsv import table_text
    from shapsketch.variants.effects import DIGITS

    files = snakemake.output
    check_manifests(snakemake.input.manifests)
    schema = pq.read_schema(snakemake.input.effects[0])
    with (
        parquet_writer(files.table, schema) as writer,
        atomic_path(files.tsv) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as text,
    ):
        text.write(table_text(schema.empty_table().to_pandas()))
        for path in snakemake.input.effects:
            with pq.ParquetFile(path) as shard:
                for rows in shard.iter_batches(65_536):
                    text.write(table_text(rows.to_pandas(), DIGITS, header=False))
                    writer.write(pa.Table.from_batches([rows]))
