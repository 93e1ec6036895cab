"""Convert a downloaded checkpoint into a file that a model kind reads.

Creates `resources/models/{model}/{file}` from the model's downloads, by the recipe that the catalogue names.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    from shapsketch.convert import convert

    convert(snakemake.params.recipe, list(snakemake.input), snakemake.output.file)
