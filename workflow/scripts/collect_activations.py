"""Run a network on one shard of sequences and keep what its modules take and give.

Creates `results/mechanism/{mechanism}/activations/{scatteritem}.safetensors` from the model and the sequences, and
`.json`, its manifest. A complete shard that was made from the same stays as it is.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import sys
    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.mechanism import activations
    from shapsketch.models import identity
    from shapsketch.models.hooked_network import HookedNetwork
    from shapsketch.sampling.sketch import shard_range
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.reader import configured_background
    from shapsketch.sequences.template import Template
    from shapsketch.settings.sources import locate
    from shapsketch.storage.files import sha256_file, sha256_json
    from shapsketch.storage.manifest import is_complete, write_manifest

    params, files = snakemake.params, snakemake.input
    settings, model = params.mechanism, params.model
    shard, shards = map(int, snakemake.wildcards.scatteritem.split("-of-"))
    draws = settings["sequences"]["background"] if isinstance(settings["sequences"], dict) else None
    count = draws or pq.read_metadata(files.sequences).num_rows
    start, stop = shard_range(count, 1, shard, shards)
    source = locate(params.source, files.get("model"))
    counted = [files.get(name) for name in ("sequences", "background") if files.get(name)]
    origin = {
        "files": [sha256_file(path) for path in counted],
        "model": identity(params.source, source),
        "settings": [model, settings, params.ends, params.version],
        "rows": [start, stop],
    }
    path, manifest, made_from = Path(snakemake.output.shard), Path(snakemake.output.manifest), sha256_json(origin)
    if is_complete(manifest, made_from, [path]):
        tell(f"{path} is whole and from the same: it stays")
        for file in (path, manifest):
            file.touch()
        sys.exit()

    template = Template(Alphabet.from_config(model["alphabet"]), model["template"])
    if draws:
        background = configured_background(template, model["background"], files.get("background"))
        codes = activations.draw(background, settings["seed"], start, stop)
    else:
        table = pq.read_table(files.sequences, columns=["sequence"]).slice(start, stop - start)
        codes = template.alphabet.encode(table["sequence"].to_pylist())
    network = HookedNetwork(source, template, model["outputs"])
    sites = [network.site(name, end, settings["special_tokens"]) for name in settings["modules"] for end in params.ends]
    with script.progress(f"activations {snakemake.wildcards.mechanism}", "sequence", stop - start) as bar:
        arrays = activations.collect(
            network, codes, sites, batch=model["sketch"]["batch_size"], pool=settings["pool"],
            precision=settings["dtype"], progress=bar.update,
        )  # fmt: skip
    activations.write_shard(path, arrays, codes, activations.describe(sites, origin["model"], settings["pool"]))
    write_manifest(manifest, made_from, [path])
