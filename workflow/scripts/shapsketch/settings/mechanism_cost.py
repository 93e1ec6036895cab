"""What an entry of `mechanism` costs, stage by stage: passes of the network, and steps of training.

Passes are counted as the stages take them; the network with modules replaced counts twice. Runs in Snakemake's own
process too, so it imports nothing heavy.
"""

from math import log2
from typing import TypedDict

from .cost import JOB_SECONDS, Rate, StageCost
from .mechanism_records import DictionaryConfig, MechanismConfig

REPLACED = 2  # passes that one of the network with modules replaced takes
HELD_OUT_SHARE, MAX_HELD, MAX_NAMED = 0.2, 5000, 2000  # sequences that measures are taken on, and that name nodes
# Seconds of a step on one core that others use, too, by layer: measured with 64 to 512 numbers, 256 to 2,048 latents.
ACTIVE_SECONDS, TOPK_SECONDS, DENSE_SECONDS = 7e-7, 5e-11, 2e-10  # by vector and active latent, or number and latent
PUSHES = 42  # passes that compare pushes of one output, of half of the sequences each
TRIED = 222  # circuits that are tried to select latents one after another
RANKINGS, NODES = 5, 16


class Shape(TypedDict):
    """What `modules.json` has of an entry of `mechanism`.

    Attributes:
        bytes_per_sequence: of its activations.
        letters: of a sequence.
        outputs: of the model.
        positions, widths: of what each module gives.
    """

    bytes_per_sequence: int
    letters: int
    outputs: int
    positions: list[int]
    widths: list[int]


def mechanism_rows(name: str, entry: MechanismConfig, sequences: int, shape: Shape, rate: Rate) -> list[StageCost]:
    """Return the stages of an entry of `mechanism`, with their costs; probes, of a table each, are left out.

    Args:
        name: of the entry.
        entry: its config, with defaults filled in.
        sequences: whose activations are kept.
        shape: of its modules.
        rate: of the model, as for `estimate`.
    """
    rows = list[StageCost]()

    def add(stage: str, passes: float, jobs: int = 1, seconds: float = 0.0) -> None:
        each = passes * rate["seconds_per_evaluation"] / jobs + rate["load_seconds"] * (passes > 0)
        job = each + seconds + JOB_SECONDS
        row = {"stage": f"{stage} of {name}", "evaluations": round(passes), "jobs": jobs}
        rows.append({**row, "job_seconds": job, "core_hours": jobs * job / 3600})  # type: ignore[typeddict-item]

    dictionary, held = entry["dictionary"], min(MAX_HELD, HELD_OUT_SHARE * sequences)
    kinds = 2 if dictionary["kind"] == "cross_layer" else 1  # with transcoders of single layers as the control
    trained, latents = kinds * dictionary["seeds"], len(shape["widths"]) * dictionary["latents"]
    add("activations", sequences, entry["shards"])
    add("dictionaries", 0, trained, training_seconds(dictionary, shape["widths"]))
    alone = 0 if dictionary["kind"] == "cross_layer" else 2 * len(shape["widths"])
    add("measures", held * trained * (2 + REPLACED + alone) if entry["pool"] == "none" else 0)
    looked = min(held, entry["latents"]["sequences"])
    effects = latents * REPLACED * min(looked, entry["latents"]["effects"]) if entry["pool"] == "none" else 0
    add("latents", looked * 2 + effects + (sequences if entry["concepts"] else 0))
    if "steer" in entry:
        steered = min(held, entry["steer"]["sequences"])
        doses = REPLACED * entry["steer"]["latents"] * len(entry["steer"]["doses"])
        add("steering", steered * (shape["outputs"] * PUSHES / 2 + doses + 3))
    if "circuit" in entry:
        circuit = entry["circuit"]
        ranked = min(circuit["sequences"], held / 2)
        curves = RANKINGS * 2 * log2(latents + 1)
        graphs = circuit["graphs"] * 3 * dictionary["k"] * sum(shape["positions"])
        games = circuit["explained"] * 2 ** min(circuit["players"], latents)
        each = REPLACED * (ranked * (latents + TRIED + curves) + NODES * min(held, MAX_NAMED) + games) + graphs
        add("circuits", each * len(circuit.get("outputs") or range(shape["outputs"])))
    if "design" in entry:
        design = entry["design"]
        add("designs", shape["letters"] * (1 + 4 * design["draws"] * len(design["strengths"])))
    add("report", 0)
    return rows


def training_seconds(dictionary: DictionaryConfig, widths: list[int]) -> float:
    """Return the seconds that one dictionary takes on one core.

    Args:
        dictionary: `mechanism.NAME.dictionary`.
        widths: of what each module gives.
    """
    batch, latents = dictionary["batch"], dictionary["latents"]
    sparse = dictionary["variant"] == "topk"
    products = (TOPK_SECONDS if sparse else DENSE_SECONDS) * batch * latents * sum(widths)
    step = products + (ACTIVE_SECONDS * batch * dictionary["k"] * len(widths) if sparse else 0.0)
    return float(dictionary["steps"] * step)
