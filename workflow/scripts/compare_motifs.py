"""Compare motifs with those of a MEME database.

Creates `tomtom.tsv` in `results/{model}/{queries}/motifs/`.
"""

from shapsketch import stage

if __name__ == "__main__":
    stage.start(snakemake)

    import pandas as pd

    from shapsketch.alphabet import Alphabet
    from shapsketch.comparison import compare_motifs
    from shapsketch.files import write_text
    from shapsketch.meme import read_meme

    alphabet = Alphabet.from_config(snakemake.params.alphabet)
    table = pd.read_csv(snakemake.input.motif_matrices, sep="\t", dtype={"letter": str}, keep_default_na=False)
    queries = {
        name: rows.pivot(index="column", columns="letter", values="frequency")[list(alphabet.letters)].to_numpy(float)
        for name, rows in table.groupby(["output", "motif"], sort=False)
    }
    targets = read_meme(snakemake.input.database, alphabet)
    found = compare_motifs(
        queries, targets, alphabet, both_strands=snakemake.params.both_strands, threads=snakemake.threads
    )
    write_text(snakemake.output.table, found.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n"))
