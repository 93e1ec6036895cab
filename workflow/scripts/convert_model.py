"""Convert a downloaded checkpoint into a file that a model kind reads.

Creates `resources/models/{model}/{file}` from the model's downloads, by the recipe that the catalogue names.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from shapsketch.models.convert import convert

    convert(snakemake.params.recipe, list(snakemake.input), snakemake.output.file)
