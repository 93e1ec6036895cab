"""Read variants, and check them against the reference and the model's template.

Creates `results/{model}/{variants}/placed.parquet` (the variants with their windows) and `dropped.tsv` from a VCF or a
table, and a genome or a sequence. Needs no model, so mistakes in the file are told before any is evaluated.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.template import Template
    from shapsketch.storage.files import atomic_path, sha256_file, sha256_json
    from shapsketch.storage.parquet import parquet_writer
    from shapsketch.storage.provenance import stamp
    from shapsketch.storage.tsv import table_text
    from shapsketch.variants.baselines import Sites
    from shapsketch.variants.predictors import check_columns
    from shapsketch.variants.reading import VARIANT_SCHEMA, stream_variants
    from shapsketch.variants.setup import set_up

    params, files = snakemake.params, snakemake.input
    template = Template(Alphabet.from_config(params.alphabet), params.template)
    setup = set_up(params.settings, files.variants, files.get("genome"), template, params.reads_unknown)
    if setup.protein and files.get("alignment"):
        Sites.read(files.alignment, setup.protein[1], template.alphabet, params.scoring["alignment"]["name"])
    check_columns(files.variants, params.scoring["predictors"])
    pieces = stream_variants(
        files.variants,
        setup.checker,
        columns=setup.columns,
        protein=setup.protein,
        first=setup.first,
        ambiguous=params.settings["ambiguous"],
    )
    # The windows' letters are read again from the genome, or the sequence, when the model is asked.
    changed = sha256_file(files.genome) if files.get("genome") else sha256_json(setup.protein)
    schema = VARIANT_SCHEMA.with_metadata(stamp({"genome": changed, "settings": params.settings}))
    with (
        parquet_writer(snakemake.output.variants, schema) as writer,
        atomic_path(snakemake.output.dropped) as temporary,
        script.progress(f"read {snakemake.wildcards.variants}", "variant") as progress,
    ):
        left_out = 0
        for number, (kept, dropped) in enumerate(pieces):
            left_out += len(dropped)
            writer.write(kept.cast(schema))
            with open(temporary, "a", encoding="utf-8", newline="\n") as file:
                file.write(table_text(dropped, header=number == 0))
            progress.update(kept.num_rows)
    if left_out:
        tell(f"{snakemake.wildcards.variants}: {left_out} variants are left out; {snakemake.output.dropped} says why")
