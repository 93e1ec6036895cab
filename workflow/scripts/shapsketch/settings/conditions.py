"""The config's `conditions`: outputs that are compared on the same sequences are there, and can be."""

from .errors import InputError
from .letters import named_letters
from .records import ConditionsConfig, Config


def check_conditions(name: str, one: ConditionsConfig, config: Config) -> None:
    """Check that the outputs of a condition are there, explained on its sequences, and of one length and alphabet.

    Args:
        name: of the condition.
        one: what the config says of it.
        config: all of it.

    Raises:
        InputError: something that it names is missing, or its outputs cannot be compared letter by letter.
    """
    place, models, sequences = f"conditions.{name}", config["models"], one["sequences"]
    if config["explain"]["mode"] == "masks":
        raise InputError(f"The config sets {place}, which needs sketches; explain.mode is masks.")
    if sequences not in config["sequences"]:
        raise InputError(
            f"The config names the sequences {sequences!r} in {place}, which are not under sequences: "
            f"{', '.join(config['sequences']) or 'there are none'}."
        )
    analyses = config["analyses"]
    pairs = [] if analyses == "none" else analyses
    first: tuple[str, str, int] | None = None
    for member in one["outputs"]:
        model, output = split_member(member)
        if model not in models or output not in models[model]["outputs"]:
            known = ", ".join(f"{m}/{o}" for m, settings in models.items() for o in settings["outputs"])
            raise InputError(f"The config names {member!r} in {place}.outputs, which is none of {known}.")
        if pairs != "all" and [model, sequences] not in pairs:
            raise InputError(f"The config has {place}, but analyses do not explain {model} on {sequences}.")
        shape = (named_letters(models[model]["alphabet"]), len(models[model]["template"]))
        first = first or (member, *shape)
        if shape != first[1:]:
            raise InputError(
                f"The config compares {member} ({shape[1]} letters of {shape[0]}) with {first[0]} ({first[2]} letters "
                f"of {first[1]}) in {place}: only outputs of one length and one alphabet can be."
            )


def split_member(member: str) -> tuple[str, str]:
    """Split `MODEL/OUTPUT`; the output is empty where there is no slash."""
    model, _, output = member.partition("/")
    return model, output
