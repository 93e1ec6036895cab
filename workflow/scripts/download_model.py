"""Download a model's file and check its SHA-256.

Creates `resources/models/{model}/{file}` from the model's `source.url` and `source.sha256`.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from tqdm import tqdm

    from shapsketch.download import download

    with tqdm(unit="B", unit_scale=True, mininterval=5) as bar:
        download(snakemake.params.url, snakemake.params.sha256, snakemake.output.file, bar.update)
