"""Hold latents while the model runs, and compare pushes of equal length.

Creates `results/mechanism/{mechanism}/steering.tsv` (pushes beside their controls) and `doses.tsv` (dose and response).
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)

    import numpy as np
    import pandas as pd

    from shapsketch.mechanism import steering
    from shapsketch.mechanism.setup import open_mechanism
    from shapsketch.models.dictionary import Dictionary
    from shapsketch.storage.files import write_text
    from shapsketch.storage.tsv import table_text

    params, name = snakemake.params, snakemake.wildcards.mechanism
    network, split = open_mechanism(params, snakemake.input)
    dictionary = Dictionary.of_network(snakemake.input.dictionary, network)
    latents = pd.read_parquet(snakemake.input.latents)
    chosen, tested = (split.codes[rows] for rows in split.halves(params.steer["sequences"]))
    effects = latents[[f"effect_{output}" for output in network.outputs]].to_numpy(float)
    compared = pd.DataFrame(steering.compare(network, dictionary, chosen, tested, effects, params.seed))
    write_text(snakemake.output.steering, table_text(compared))
    strongest = latents.sort_values("influence", ascending=False, kind="stable")["latent"][: params.steer["latents"]]
    codes = np.concatenate([chosen, tested])
    doses = steering.dose_response(network, dictionary, codes, strongest.tolist(), params.steer["doses"])
    write_text(snakemake.output.doses, table_text(pd.DataFrame(doses)))
    tell(f"{name}: latents move {compared['wins'].sum()} of {len(compared)} outputs more than both controls")
