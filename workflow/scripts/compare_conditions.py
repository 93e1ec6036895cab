"""Compare outputs on the same sequences, letter by letter.

Creates `results/contribution_differences.tsv` from the explanations of the outputs that `conditions` name.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import pandas as pd

    from shapsketch.motifs.conditions import contribution_differences
    from shapsketch.motifs.reading import Explained
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text

    inputs = snakemake.input
    tables, files = [], iter(zip(inputs.spectrum, inputs.sequences, inputs["values"], strict=True))
    for condition, outputs in snakemake.params.conditions.items():
        members = {}
        for member, output in outputs:
            spectrum, sequences, values = next(files)
            spectra = load_spectra(spectrum)
            template = spectra[output].template
            members[member] = Explained(template, sequences, values, list(spectra).index(output), [])
        tables.append(contribution_differences(condition, members))
    write_text(snakemake.output.table, table_text(pd.concat(tables)))
