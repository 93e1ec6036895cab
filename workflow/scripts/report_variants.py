"""Put a set of variants on one page.

Creates `results/{model}/{variants}/variants.html` and `provenance.json` from the tables of the variants.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from pathlib import Path

    import pyarrow.parquet as pq

    from shapsketch.report.variants_page import build_variants
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.spectrum.spectrum_file import load_spectra
    from shapsketch.storage import provenance
    from shapsketch.storage.files import write_json, write_text
    from shapsketch.storage.tsv import read_table
    from shapsketch.variants.classes import Truth, describe_classes

    files, params = snakemake.input, snakemake.params
    wanted = (snakemake.wildcards.model, snakemake.wildcards.variants)
    spectrum = next(iter(load_spectra(files.spectrum).values())).provenance if files.get("spectrum") else None
    outside = dict(zip(params.outside, files.outside, strict=True))
    record = provenance.collect_variants(params.config, wanted, outside, files.effects, spectrum)
    tables = {
        name: read_table(files[name])
        for name in ("dropped", "scores", "confusion", "predictions", "separation")
        if files.get(name)
    }
    names = ("effects", "haplotypes", "pairs", "contributions")
    tables |= {name: pq.read_table(files[name]).to_pandas() for name in names if files.get(name)}
    sources = {name: files[name] for name in ("template", "style", "scripts")}
    scored, classes = params.settings, ""
    if scored["label"]:
        classes = describe_classes(Truth.read(tables["effects"], scored["positive"], scored["negative"]))
    page = build_variants(
        tables,
        sources,
        wanted,
        Alphabet.from_config(params.alphabet),
        params.colors,
        provenance.describe(record),
        classes,
    )
    write_text(snakemake.output.page, page)
    folder, made = Path(snakemake.output.page).parents[1], [*files.results, snakemake.output.page]
    write_json(snakemake.output.provenance, {**record, "results": provenance.hash_results(folder, made)})
