"""The config's `variants`: what each set names is there, and goes together."""

from .errors import InputError
from .letters import kind_of, named_letters
from .paths import check_file
from .records import Config, VariantsConfig


def check_variants(name: str, one: VariantsConfig, config: Config, files: bool) -> None:
    """Check that what a set of variants names is there, and that its model can be asked.

    Args:
        name: of the set.
        one: what the config says of it.
        config: all of it.
        files: whether the files must be there.

    Raises:
        InputError: something that it names is missing, or does not go with the rest.
    """
    models, place = config["models"], f"variants.{name}"
    for model in (one["model"], *one["beside"]):
        if model not in models:
            raise InputError(
                f"The config names the model {model!r} in {place}, which is not under models: {', '.join(models)}."
            )
    if one["model"] in one["beside"]:
        raise InputError(f"The config names the model {one['model']!r} twice in {place}; leave it out of beside.")
    for model in (one["model"], *one["beside"]):
        if models[model]["source"]["kind"] == "table":
            raise InputError(f"The config has {place}, which asks the model, but models.{model} is a table.")
    if name in config["sequences"]:
        raise InputError(f"The config has the name {name!r} under sequences and under variants; rename one of them.")
    kind = kind_of(named_letters(models[one["model"]]["alphabet"]))
    if "genome" in one and one["sequence"]:
        raise InputError(f"The config gives {place} a genome and a sequence; leave one of them out.")
    for model in one["beside"]:
        other = kind_of(named_letters(models[model]["alphabet"]))
        if other != kind and {kind, other} != {"DNA", "RNA"}:
            raise InputError(
                f"The config names the model {model!r} in {place}.beside, whose letters are {other}, while those of "
                f"models.{one['model']} are {kind}: they cannot be asked about the same variants."
            )
    _check_scoring(one, place, files)
    if "genome" in one and kind not in ("DNA", "RNA"):
        raise InputError(
            f"The config gives {place} a genome, but the alphabet of models.{one['model']} is "
            f"{models[one['model']]['alphabet']}; give the sequence that the variants change."
        )
    if "genome" not in one and one["strand"] == "-":
        raise InputError(f"The config sets {place}.strand: '-', which needs a genome.")
    if files:
        check_file(one["path"], place, "a VCF, CSV, TSV or Parquet file")
        if "genome" in one:
            check_file(one["genome"], f"{place}.genome", "a FASTA file, plain or packed by bgzip")


def _check_scoring(one: VariantsConfig, place: str, files: bool) -> None:
    """Check what variants are scored beside."""
    asked = [key for key in ("beside", "predictors", "alignment", "conservation", "lower") if one.get(key)]
    if asked and not (one["label"] or one["score"]):
        raise InputError(
            f"The config sets {place}.{asked[0]}, which is scored against a label or a score: name either."
        )
    if "alignment" in one and "genome" in one:
        raise InputError(f"The config sets {place}.alignment, which is of a sequence, and not of a genome.")
    if "conservation" in one and "genome" not in one:
        raise InputError(f"The config sets {place}.conservation, a track of a genome, without a genome.")
    if files and "alignment" in one:
        check_file(one["alignment"]["path"], f"{place}.alignment", "an alignment as FASTA, A2M or Stockholm")
    if files and "conservation" in one:
        check_file(one["conservation"], f"{place}.conservation", "a bigWig file")
