"""Look at a model before it is sketched: load it, compare its input with the config, and ask some sequences again.

Creates `results/{model}/sketch/check.json` from the model; a user's mistake ends here, before anything is sampled. A
look that was taken at the same is not taken again.
"""

from shapsketch.settings import script

if __name__ == "__main__":
    tell = script.start(snakemake)
    script.survive(snakemake.output.check, f"The model {snakemake.wildcards.model}")

    import sys
    from contextlib import suppress
    from pathlib import Path

    from shapsketch.models import Model, identity
    from shapsketch.models.layouts import check_reference, check_shape
    from shapsketch.sampling.consistency import Check, check_answers
    from shapsketch.sampling.design import left_for_checks
    from shapsketch.sequences.alphabet import Alphabet
    from shapsketch.sequences.reader import query_background
    from shapsketch.sequences.template import Template
    from shapsketch.settings.errors import InputError
    from shapsketch.settings.rounds import stop_rule
    from shapsketch.settings.sources import STEADY, locate
    from shapsketch.storage.files import read_json, sha256_file, sha256_json, write_json

    config, name = snakemake.params.model, snakemake.wildcards.model
    source = locate(snakemake.params.source, snakemake.input.get("model"))
    template = Template(Alphabet.from_config(config["alphabet"]), config["template"])
    background = query_background(template, config["background"], snakemake.input.get("background"))
    reference = snakemake.input.get("reference")
    origin = {
        "model": identity(snakemake.params.source, source),
        "settings": [
            config,
            background.probabilities.tolist(),
            snakemake.params.get("masks"),
            snakemake.params.version,
        ],
        "reference": sha256_file(reference) if reference else None,
    }
    made_from = sha256_json(origin)
    # Beside the log, where Snakemake removes nothing: what touches or loses the output is no reason to ask again.
    kept = Path(f"{snakemake.log}.json")
    with suppress(OSError, InputError, KeyError, TypeError):  # none, or damaged
        record = read_json(kept)
        if record["made_from"] == made_from:
            tell(f"{name} was looked at as it is: it is not asked again")
            write_json(snakemake.output.check, record)
            sys.exit()
    known = check_shape(source, template)
    if reference:
        source["reference"] = reference
    model = Model(source, template, config["outputs"], config["sketch"]["batch_size"])
    budget = snakemake.params.get("masks") or stop_rule(config["sketch"]["budget"])[0]
    steady = source["kind"] in STEADY  # trees, which are here for their reference; nothing of them is sampled
    free = snakemake.params.get("masks") or steady
    left = budget if free else left_for_checks(template, budget, config["sketch"]["design"])
    compared, check = check_reference(model, left) if reference and left else 0, Check()
    if not steady:
        check = check_answers(model, background, budget=budget, left=left - compared, seed=config["sketch"]["seed"])
    notes = list(check.notes)
    if not known and not compared:
        notes.append(
            f"the file of {name} does not tell whether layout: {source['layout']} is right, and a wrong one can give "
            "wrong numbers without an error; name a table of sequences and the model's own predictions as "
            "source.reference to have some compared"
        )
    for note in notes:
        tell(note)
    assert model.evaluations == compared + check.evaluations, "the model was asked something that is not counted"
    record = {**check.record(), "evaluations": model.evaluations, "compared": compared, "layout_known": known}
    record["made_from"] = made_from
    write_json(kept, record)
    write_json(snakemake.output.check, record)
