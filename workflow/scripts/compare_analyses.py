"""Compare models, sets of sequences and groups on one page.

Creates `results/comparison.html` from the results of all analyses, and the differences between conditions.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    script.start(snakemake)

    from shapsketch.report.analysis import read_analysis
    from shapsketch.report.overview_conditions import condition_contents
    from shapsketch.report.overview_page import build_comparison
    from shapsketch.storage.files import write_text

    inputs = snakemake.input
    names = ("spectrum", "faithfulness", "faithfulness_on_queries", "aggregates", "contributions", "motifs")
    analyses = [
        read_analysis(model, sequence_set, {name: inputs[name][k] for name in names})
        for k, (model, sequence_set) in enumerate(snakemake.params.analyses)
    ]
    sources = {name: inputs[name] for name in ("template", "style", "scripts")}
    conditions = condition_contents(snakemake.params.conditions, analyses, inputs.differences)
    page = build_comparison(analyses, sources, snakemake.params.colors, snakemake.params.variants, conditions)
    write_text(snakemake.output.page, page)
