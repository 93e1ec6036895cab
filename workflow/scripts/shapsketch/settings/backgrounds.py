"""Which files a config's background is made of, and what may be asked of it."""

from collections.abc import Mapping
from typing import Any

from .errors import InputError
from .letters import kind_of, named_letters
from .paths import check_file
from .records import BackgroundConfig, Config, ModelConfig

WHOLE = ("draws", "shuffle")  # backgrounds that draw sequences, and not letters


def draws_whole_sequences(background: str | Mapping[str, Any]) -> bool:
    """Whether absent letters are all read from one drawn sequence."""
    return not isinstance(background, str) and any(kind in background for kind in WHOLE)


def drawn_file(background: str | Mapping[str, Any]) -> str | None:
    """Return the path of the sequences that a background draws, if it draws from a file."""
    return background["draws"]["path"] if not isinstance(background, str) and "draws" in background else None


def counted_sequences(background: str | BackgroundConfig) -> str | None:
    """Return the name of the sequences that a config's background counts, if it counts any."""
    if isinstance(background, str):
        return None
    if "from_sequences" in background:
        return background["from_sequences"]["queries"]
    return background["markov"].get("from_sequences") if "markov" in background else None


def check_background(name: str, model: ModelConfig, config: Config, files: bool) -> None:
    """Check that a model's background serves what is asked of it, and that its file is there.

    Args:
        name, model: of the model.
        config: the whole of it.
        files: whether to look for files.

    Raises:
        InputError: it does not.
    """
    _check_markov(name, model, config)
    _check_draws(name, model, config, files)


def _check_markov(name: str, model: ModelConfig, config: Config) -> None:
    """Check that nothing is asked of a Markov background that needs letters which are independent."""
    if isinstance(model["background"], str) or "markov" not in model["background"]:
        return
    given = model["background"]["markov"]
    if ("from_sequences" in given) == ("initial" in given and "transitions" in given):
        raise InputError(
            f"The background of models.{name} is a Markov chain, which wants either from_sequences or both initial and "
            "transitions."
        )
    wanted = {
        "explain.mode masks": config["explain"]["mode"] == "masks",
        "explain.refine": bool(config["explain"]["refine"]),
        "compare": config["compare"]["enabled"],
        "a source of trees": model["source"]["kind"] == "trees",
        "a source that is a table": model["source"]["kind"] == "table",
    }
    for what in (what for what, is_wanted in wanted.items() if is_wanted):
        raise InputError(
            f"The background of models.{name} is a Markov chain, but {what} needs letters that are independent; choose "
            "uniform, frequencies, from_sequences or mutate."
        )


def _check_draws(name: str, model: ModelConfig, config: Config, files: bool) -> None:
    """Check that a background of whole sequences is used where games are asked, and that its file is there."""
    background = model["background"]
    if isinstance(background, str) or not draws_whole_sequences(background):
        return
    drawn = {entry["model"] for entry in config["mechanism"].values() if not isinstance(entry["sequences"], str)}
    if config["explain"]["mode"] != "masks" or name in drawn:
        what = "explain.mode is sketch" if config["explain"]["mode"] != "masks" else "mechanism draws from it"
        raise InputError(
            f"The background of models.{name} draws whole sequences ({next(iter(background))}), which is for "
            f"explain.mode: masks, but {what}; choose uniform, frequencies, from_sequences, mutate or markov."
        )
    for variants, one in config["variants"].items():
        if one["model"] == name and one["sketch"] is True:
            raise InputError(
                f"The config sets variants.{variants}.sketch: true, which needs letters that are drawn one by one, but "
                f"the background of models.{name} draws whole sequences ({next(iter(background))}); set sketch to "
                "false, or choose another background."
            )
    if "gc" in background.get("draws", {}) and kind_of(named_letters(model["alphabet"])) not in ("DNA", "RNA"):
        raise InputError(
            f"The background of models.{name} matches shares of G and C, but its alphabet is {model['alphabet']}; "
            "leave background.draws.gc out."
        )
    if files and (path := drawn_file(background)):
        check_file(path, f"models.{name}.background.draws", "a FASTA, FASTQ, CSV or TSV file")
