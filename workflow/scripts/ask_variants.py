"""Ask the model about one shard of the variants: windows with and without each of them.

Creates `results/{model}/{variants}/shards/{scatteritem}.effects.parquet` from the variants with their windows, the
reference and the model, and `.json`, its manifest. A complete shard that was made from the same stays as it is.
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
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import sha256_file, sha256_json
    from shapsketch.storage.manifest import is_complete, write_manifest
    from shapsketch.storage.parquet import parquet_writer, read_rows
    from shapsketch.storage.provenance import made_with, stamp
    from shapsketch.variants.effects import EFFECT_SCHEMA, EffectAsker
    from shapsketch.variants.mutations import Null
    from shapsketch.variants.setup import set_up

    params, files = snakemake.params, snakemake.input
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    size = params.model["sketch"]["batch_size"]
    start, stop = shard_range(pq.read_metadata(files.placed).num_rows, size, shard, shards)
    source = locate(params.source, files.get("model"))
    origin = {
        "rows": [start, stop],
        "files": [sha256_file(path) for path in (files.placed, *([files.spectrum] if files.get("spectrum") else []))],
        "null": params.null,
        "model": identity(params.source, source),
        "settings": [params.model, params.version],
    }
    effects, manifest = Path(snakemake.output.effects), Path(snakemake.output.manifest)
    made_from = sha256_json(origin)
    if is_complete(manifest, made_from, [effects]):
        tell(f"{manifest.stem} is asked, whole and from the same: it stays, and the model is not asked again")
        for path in (effects, manifest):
            path.touch()
        sys.exit()

    template = Template(Alphabet.from_config(params.model["alphabet"]), params.model["template"])
    setup = set_up(params.settings, files.variants, files.get("genome"), template, "unknown_letters" in source)
    model = Model(source, template, params.model["outputs"], size)
    spectra = list(load_spectra(files.spectrum).values()) if files.get("spectrum") else []
    null = Null(spectra, params.null, params.model["sketch"]["seed"])
    asker = EffectAsker(model, setup.reference, setup.checker.placing, null)
    schema = EFFECT_SCHEMA.with_metadata(stamp({"model": origin["model"], "versions": made_with()}))
    with (
        parquet_writer(effects, schema) as writer,
        script.progress(f"ask about {snakemake.wildcards.variants}", "variant", stop - start) as progress,
    ):
        for chunk in read_rows(files.placed, start, stop, size):
            writer.write(asker(chunk).cast(schema))
            progress.update(chunk.num_rows)
    write_manifest(manifest, made_from, [effects])
