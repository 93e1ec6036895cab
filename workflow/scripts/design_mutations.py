"""Design variants by steering a masked language model, beside other pushes and none.

Creates `results/mechanism/{mechanism}/designs.tsv` (what a held-out scorer says of each arm's designs) and
`proposals.tsv` (the designs themselves, of the first draw of labels).
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import pandas as pd

    from shapsketch.mechanism import design, probes
    from shapsketch.mechanism.setup import open_network
    from shapsketch.models import Model
    from shapsketch.models.dictionary import Dictionary
    from shapsketch.settings.sources import locate
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text

    params, inputs, asked = snakemake.params, snakemake.input, snakemake.params.design
    network = open_network(params, inputs)
    dictionary = Dictionary.of_network(inputs.dictionary, network)
    wild = design.read_wild_type(asked["wild_type"], network.template)
    table = probes.read_labels(inputs.table, network.template, asked["label"])
    scorer = Model(locate(params.scorer, inputs.get("scorer")), network.template, params.scorer_outputs)
    plan = design.Plan(asked["mutations"], asked["designs"], asked["latents"], asked["strengths"])
    rows, proposals = design.compare_designs(
        network, dictionary, (table.codes, table.values[:, 0]), wild, lambda codes: scorer(codes)[:, 0], plan,
        asked["labels"], asked["draws"], params.seed,
    )  # fmt: skip
    write_text(snakemake.output.designs, table_text(pd.DataFrame(rows)))
    write_text(snakemake.output.proposals, table_text(pd.DataFrame(proposals)))
    best = max(rows, key=lambda row: row["top"])
    out = f"; {len(table.left_out)} rows without a value are left out" if len(table.left_out) else ""
    tell(
        f"{snakemake.wildcards.mechanism}: the best tenth of designs scores {best['top']:+.3g} above the wild type by "
        f"{best['arm']}, from {asked['labels']} labels{out}"
    )
