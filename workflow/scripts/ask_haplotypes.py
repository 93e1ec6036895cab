"""Ask the model about one shard of the haplotypes: every coalition of their variants, or some where these are many.

Creates `results/{model}/{variants}/haplotypes/{scatteritem}.values.parquet` and `.pairs.parquet` from the haplotypes,
the reference and the model, and `.json`, their manifest. A complete shard that was made from the same stays as it is.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import sys
    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.models import Model, identity
    from shapsketch.sampling.sketch import shard_range
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.template import Template
    from shapsketch.settings.sources import locate
    from shapsketch.storage.files import sha256_file, sha256_json
    from shapsketch.storage.manifest import is_complete, write_manifest
    from shapsketch.storage.parquet import parquet_writer, read_rows
    from shapsketch.storage.provenance import made_with, stamp
    from shapsketch.variants.haplotypes import HAPLOTYPES_AT_ONCE, PAIR_SCHEMA, VALUE_SCHEMA, HaplotypeAsker
    from shapsketch.variants.setup import set_up

    params, files = snakemake.params, snakemake.input
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    start, stop = shard_range(pq.read_metadata(files.placed).num_rows, HAPLOTYPES_AT_ONCE, shard, shards)
    source = locate(params.source, files.get("model"))
    origin = {
        "rows": [start, stop],
        "files": [sha256_file(files.placed)],
        "model": identity(params.source, source),
        "settings": [params.model, params.haplotypes, params.version],
    }
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    manifest, made_from = outputs.pop("manifest"), sha256_json(origin)
    if is_complete(manifest, made_from, outputs.values()):
        tell(f"{manifest.stem} is asked, whole and from the same: it stays, and the model is not asked again")
        for path in (*outputs.values(), manifest):
            path.touch()
        sys.exit()

    template = Template(Alphabet.from_config(params.model["alphabet"]), params.model["template"])
    setup = set_up(params.settings, files.variants, files.get("genome"), template, "unknown_letters" in source)
    sketch, settings = params.model["sketch"], params.haplotypes
    model = Model(source, template, params.model["outputs"], sketch["batch_size"])
    placing = setup.checker.placing
    asker = HaplotypeAsker(model, setup.reference, placing, settings["max_exact"], settings["budget"], sketch["seed"])
    metadata = stamp({"model": origin["model"], "versions": made_with()})
    with (
        parquet_writer(outputs["values"], VALUE_SCHEMA.with_metadata(metadata)) as values,
        parquet_writer(outputs["pairs"], PAIR_SCHEMA.with_metadata(metadata)) as pairs,
        script.progress(f"ask about {snakemake.wildcards.variants}", "haplotype", stop - start) as progress,
    ):
        for chunk in read_rows(files.placed, start, stop, HAPLOTYPES_AT_ONCE):
            for writer, table in zip((values, pairs), asker(chunk), strict=True):
                writer.write(table)
            progress.update(chunk.num_rows)
    write_manifest(manifest, made_from, outputs.values())
