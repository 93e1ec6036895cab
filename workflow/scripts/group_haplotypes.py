"""Find which variants lie together on one haplotype, near enough for one window.

Creates `results/{model}/{variants}/placed_haplotypes.parquet` and `haplotypes_left_out.tsv` from the variants with
their windows, and a VCF's phased genotypes.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pyarrow.parquet as pq

    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.template import Template
    from shapsketch.storage.files import sha256_file, write_text
    from shapsketch.storage.parquet import write_parquet
    from shapsketch.storage.provenance import stamp
    from shapsketch.storage.tsv import table_text
    from shapsketch.variants.grouping import Haplotypes, from_table
    from shapsketch.variants.phasing import UNPHASED, from_vcf
    from shapsketch.variants.reading import is_vcf
    from shapsketch.variants.setup import set_up

    params, files = snakemake.params, snakemake.input
    template = Template(Alphabet.from_config(params.alphabet), params.template)
    setup = set_up(params.settings, files.variants, files.get("genome"), template, params.reads_unknown)
    grouped = Haplotypes(setup.checker, setup.first)
    with pq.ParquetFile(files.placed) as placed:
        rows = (row for batch in placed.iter_batches(4096) for row in batch.to_pylist())
        if is_vcf(files.variants):
            from_vcf(files.variants, rows, grouped, params.samples)
        else:
            from_table(rows, grouped)
    haplotypes, left_out = grouped.tables()
    # What `placed` says of genome and settings holds of these too: their letters are read when the model is asked.
    metadata = stamp({"placed": sha256_file(files.placed), "settings": params.settings})
    write_parquet(snakemake.output.haplotypes, haplotypes.replace_schema_metadata(metadata))
    write_text(snakemake.output.left_out, table_text(left_out))
    unphased, path = left_out["reason"] == UNPHASED, snakemake.output.left_out
    for rows, words in (
        (left_out[unphased], f"genotypes are not phased, or not called, and are on no haplotype; {path} lists them"),
        (left_out[~unphased], f"alleles are left out with their haplotypes; {path} says why"),
    ):
        if len(rows):
            tell(f"{snakemake.wildcards.variants}: {rows['genotypes'].sum()} {words}")
