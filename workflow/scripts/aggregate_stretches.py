"""Find the motifs of a masked explanation: stretches of contributions that stand out and look alike.

Creates `motifs.tsv`, `placements.tsv`, `motif_matrices.tsv`, `instances.tsv`, `instances.bed`, `motifs.meme` and
`found.json`, what was looked through and why nothing is listed where nothing is, in
`results/{model}/{sequences}/motifs/`.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import numpy as np
    import pandas as pd

    from shapsketch.masks.explain import MaskSettings
    from shapsketch.masks.game import Players
    from shapsketch.masks.trust import motif_reason, trusted_rows
    from shapsketch.motifs import Settings
    from shapsketch.motifs.instance_files import instance_files
    from shapsketch.motifs.meme import meme_text
    from shapsketch.motifs.reading import Explained
    from shapsketch.motifs.stretches import Uncertain, find_stretches
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.template import Template
    from shapsketch.storage.files import read_json, write_json, write_text
    from shapsketch.storage.parquet import group_names
    from shapsketch.storage.tsv import table_text

    files, params = snakemake.input, snakemake.params
    template = Template(Alphabet.from_config(params.model["alphabet"]), params.model["template"])
    masks = MaskSettings.from_config(params.masks, params.model["sketch"]["seed"])
    players = Players.build(template, masks.segments, masks.window)
    settings = Settings(**params.settings)
    scores, groups = read_json(files.faithfulness), group_names(files.sequences)
    tables, matrices, summary_of = [], [], {}
    with instance_files(snakemake.output.instances, snakemake.output.bed) as write:
        for number, (output, score) in enumerate(scores.items()):
            trusted = trusted_rows(files.letters, output)
            reason = motif_reason(score, int(trusted.sum()), settings.min_instances)
            explained = Explained(template, files.sequences, files.letters, number, groups)
            kept = trusted & (not reason)
            uncertain = Uncertain(explained, files.errors, players.owners, kept, settings.seed)
            stretches = find_stretches(output, uncertain, settings, write)
            tables.append(stretches.tables)
            matrices += stretches.matrices
            summary_of[output] = {
                "sequences": len(trusted),
                "trusted": int(trusted.sum()),
                "seqlets": stretches.seqlets,
                "reason": reason or ("" if stretches.matrices else "no stretches stand out of the noise and recur"),
            }
            if reason:
                tell(f"{output}: no motifs are listed: {reason}")
    for name in tables[0]:
        write_text(snakemake.output[name], table_text(pd.concat([part[name] for part in tables])))
    frequencies = np.full(template.alphabet.q, 1 / template.alphabet.q)
    write_text(snakemake.output.meme, meme_text(template.alphabet, matrices, frequencies))
    write_json(snakemake.output.found, summary_of)
