"""Download a model's file and check its length and SHA-256.

Creates `resources/models/{model}/{file}` from the addresses in the model's `source`.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from shapsketch.settings.sources import downloads
    from shapsketch.storage.download import download

    # Read here and not through params: another mirror, or none, is no reason to bring a file again.
    source = snakemake.config["models"][snakemake.wildcards.model]["source"]
    wanted = next(one for one in downloads(source) if one.file == snakemake.wildcards.file)
    if "license" in source:
        tell(f"{snakemake.wildcards.model}: {wanted.file} is licensed under {source['license']}")
    with script.progress(f"download {wanted.file}", "B", wanted.size, unit_scale=True) as bar:
        download(wanted, snakemake.output.file, offline=snakemake.config["offline"], progress=bar.update)
