"""Put the shards of tables together: of the variants' effects, or of haplotypes.

Creates `results/{model}/{variants}/variants.parquet` and `.tsv`, or `haplotypes.parquet`,
`haplotype_interactions.parquet` and their `.tsv`, from the shards.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from shapsketch.storage.manifest import check_manifests
    from shapsketch.variants.effects import merge_shards

    files, inputs = snakemake.output, snakemake.input
    check_manifests(inputs.manifests)
    for name in (name for name in ("effects", "values", "pairs") if name in files.keys()):  # noqa: SIM118
        merge_shards(files[name], files[f"{name}_tsv"], inputs[name])
