"""Write the variants as they came, with the effects of each.

Creates `results/{model}/{variants}/variants.vcf.gz` (bgzip) from the file of variants, the genome and their effects.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import pyarrow as pa
    import pyarrow.parquet as pq
    import pysam

    from shapsketch import __version__
    from shapsketch.sequences.genome import Genome
    from shapsketch.storage.files import atomic_path
    from shapsketch.variants.annotated import vcf_lines

    files = snakemake.input
    source = f"shapsketch {__version__}, model {snakemake.wildcards.model}"
    with pq.ParquetFile(files.table) as table, atomic_path(snakemake.output.vcf) as temporary:
        tables = (pa.Table.from_batches([rows]) for rows in table.iter_batches(8192 * len(snakemake.params.outputs)))
        lines = vcf_lines(files.variants, tables, snakemake.params.outputs, Genome(files.genome).lengths, source)
        with pysam.BGZFile(str(temporary), "wb") as packed:
            for line in lines:
                packed.write(f"{line}\n".encode())
