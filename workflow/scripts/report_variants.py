"""Put a set of variants on one page.

Creates `results/{model}/{variants}/variants.html` from the tables of the variants.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    import pyarrow.parquet as pq

    from shapsketch.report.variants_page import build_variants
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import read_table

    files, params = snakemake.input, snakemake.params
    tables = {
        name: read_table(files[name])
        for name in ("dropped", "scores", "confusion", "predictions", "separation")
        if files.get(name)
    }
    names = ("effects", "haplotypes", "pairs", "contributions")
    tables |= {name: pq.read_table(files[name]).to_pandas() for name in names if files.get(name)}
    sources = {name: files[name] for name in ("template", "style", "scripts")}
    page = build_variants(
        tables,
        sources,
        (snakemake.wildcards.model, snakemake.wildcards.variants),
        Alphabet.from_config(params.alphabet),
        params.colors,
    )
    write_text(snakemake.output.page, page)
