"""Train a dictionary of latents on activations.

Creates `results/mechanism/{mechanism}/dictionaries/{kind}/{seed}.safetensors` from the activations, and the folder
`{seed}` beside it in the formats of others. A run that broke off goes on from its last checkpoint.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import shutil

    import numpy as np

    from shapsketch.mechanism.activations import Activations
    from shapsketch.mechanism.training import Training, train
    from shapsketch.mechanism.vectors import ALONE, Split
    from shapsketch.models.torch_model import find_device
    from shapsketch.storage.files import sha256_file, sha256_json
    from shapsketch.storage.manifest import check_manifests

    settings, names, output = snakemake.params.dictionary, snakemake.wildcards, snakemake.output
    check_manifests(snakemake.input.manifests)
    identity = ALONE if snakemake.params.drawn else settings["cluster_identity"]
    split = Split(Activations(tuple(snakemake.input.shards)), identity, snakemake.params.seed)
    reads, writes = split.sites(names.kind)
    rows = np.flatnonzero(~split.is_held)
    keys = ("variant", "latents", "k", "l1", "steps", "batch", "dead_after")
    training = Training(
        kind=names.kind,
        seed=snakemake.params.seed + int(names.seed),
        rate=None if settings["rate"] == "auto" else settings["rate"],
        **{key: settings[key] for key in keys},
    )
    inputs = [split.vectors(site, rows, settings["max_vectors"]) for site in reads]
    targets = inputs if names.kind == "sae" else [split.vectors(site, rows, settings["max_vectors"]) for site in writes]
    places = max(site.positions for site in writes) if split.kept.record["pool"] == "none" else 1
    available, used = len(rows) * places, max(map(len, inputs))
    if available > used:
        tell(f"{names.mechanism}: a dictionary is trained on {used} of {available} vectors (max_vectors)")
    origin = {
        "activations": sha256_json([sha256_file(path) for path in snakemake.input.manifests]),
        "model": split.kept.record["model"],
        "version": snakemake.params.version,
    }
    with script.progress(f"dictionary {names.mechanism} {names.kind} {names.seed}", "step", settings["steps"]) as bar:
        made = train(
            inputs, targets, (reads, writes), training, device=str(find_device(settings["device"])),
            checkpoint=f"{snakemake.log}.checkpoint.safetensors", progress=bar.update, origin=origin,
        )  # fmt: skip
    shutil.rmtree(output.exported, ignore_errors=True)
    made.export(output.exported)
    made.save(output.dictionary)
