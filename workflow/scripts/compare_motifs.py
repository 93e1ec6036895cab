"""Compare motifs with those of a MEME database.

Creates `tomtom.tsv` in `results/{model}/{sequences}/motifs/`.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from shapsketch.motifs.meme import read_meme
    from shapsketch.motifs.tomtom import compare_motifs
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import read_table, table_text

    alphabet = Alphabet.from_config(snakemake.params.alphabet)
    table = read_table(snakemake.input.motif_matrices)
    queries = {
        name: rows.pivot(index="column", columns="letter", values="frequency")[list(alphabet.letters)].to_numpy(float)
        for name, rows in table.groupby(["output", "motif"], sort=False)
    }
    targets = read_meme(snakemake.input.database, alphabet)
    matches = compare_motifs(
        queries, targets, alphabet, both_strands=snakemake.params.both_strands, threads=snakemake.threads
    )
    write_text(snakemake.output.table, table_text(matches))
