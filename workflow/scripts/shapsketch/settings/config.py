"""The config: checked against its JSON schema, with one clear sentence for each mistake.

Runs in Snakemake's own process for every job, so it imports nothing heavy.
"""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

import jsonschema

from .backgrounds import check_background, counted_sequences
from .conditions import check_conditions
from .dependencies import needed_files
from .errors import InputError
from .letters import allowed_letters, check_letters, expanded, kind_of, named_letters
from .mechanism import check_mechanism, label_files
from .motif_databases import read_motifs
from .near import near_names
from .outputs import check_output
from .paths import check_file
from .records import Config, ModelConfig, SequencesConfig
from .sources import downloads, fold_sources, named_files, outputs_line, safe_name, source_files
from .values import fit, resolved
from .variants import check_variants
from .wording import sentence
from .written import Written

_OUTPUT = re.compile("[A-Za-z0-9][A-Za-z0-9_-]*")  # a name that may stand in files and columns
FOLD_KEYS = {  # one of which each fold of a model needs, by its kind
    "torch": {"path", "factory"},
    "onnx": {"path"},
    "keras_h5": {"path"},
    "python": {"target"},
    "command": {"command"},
}
FILES = {  # what each kind of model is read from, in words
    "torch": "a .pt2, TorchScript, .safetensors or state_dict file",
    "onnx": "an .onnx file",
    "keras_h5": "an .h5 or .keras file",
    "trees": "a LightGBM (text) or XGBoost (JSON) file",
    "table": "a CSV, TSV or Parquet file",
}


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any], written: Sequence[Written] = ()) -> Config:
    """Return a copy of the config with all values read as the schema means them, and all defaults filled in.

    Args:
        config: as YAML reads it.
        schema: of it.
        written: its files, as they are written; what YAML takes for a number, a date or true and false is read as
            text from there, where the schema wants text.

    Raises:
        InputError: the first mistake, by place: an unknown key (with the nearest known one), a wrong
            type or value, or a missing key.
    """
    try:
        fitted = fit(dict(config), schema, written)
        if fitted.get("variants") or fitted.get("mechanism"):
            fitted.setdefault("sequences", {})  # either alone will do
        _check_outputs(fitted.get("models"))
        filled = _fill(fitted, schema, schema)
        _expand_templates(filled.get("models"))
        errors = list(jsonschema.Draft202012Validator(schema).iter_errors(filled))
    except RecursionError:
        raise InputError("The config holds itself: a value of it is an alias of what it is in.") from None
    if errors:
        raise InputError(f"The config {sentence(min(errors, key=lambda e: list(map(str, e.absolute_path))))}")
    return cast(Config, filled)


def _expand_templates(models: Any) -> None:
    """Write templates without counts, in place, as far as they are text."""
    for name, model in models.items() if isinstance(models, Mapping) else ():
        letters, template = (model.get(key) if isinstance(model, Mapping) else None for key in ("alphabet", "template"))
        if isinstance(letters, str) and isinstance(template, str):
            try:
                model["template"] = expanded(named_letters(letters), template)
            except InputError as error:
                raise InputError(f"The config is wrong at models.{name}: {error}") from None


def _check_outputs(models: Any) -> None:
    """Check the names of the models' outputs, as far as they are lists or mappings."""
    for model, entry in models.items() if isinstance(models, Mapping) else ():
        outputs = entry.get("outputs") if isinstance(entry, Mapping) else None
        if not isinstance(outputs, (list, Mapping)):
            continue
        unsafe = [name for name in outputs if isinstance(name, str) and not _OUTPUT.fullmatch(name)]
        if unsafe:
            by_name = outputs if isinstance(outputs, Mapping) else {str(name): {"of": name} for name in outputs}
            line = outputs_line({safe_name(name): spec for name, spec in by_name.items() if isinstance(spec, Mapping)})
            raise InputError(
                f"The config names an output of models.{model} {unsafe[0]!r}, which cannot name files and columns: "
                f"give it a name of letters, digits, '_' and '-', such as {line}."
            )
        source = entry.get("source")
        kind = source.get("kind") if isinstance(source, Mapping) else None
        if isinstance(outputs, Mapping) and kind in ("table", "trees", "builtin"):
            raise InputError(
                f"The config says what each output of models.{model} is, but a model of the kind {kind} has no others "
                "to choose from; list their names."
            )


def check_names(config: Config, files: bool = True) -> None:
    """Check that what the config names is there: sequences, models and files.

    Args:
        config: with all defaults filled in.
        files: whether to look for the files.

    Raises:
        InputError: an analysis or a background names something that the config does not define, or a
            file does not exist.
    """
    models, sequences = config["models"], config["sequences"]
    for pair in config["analyses"] if not isinstance(config["analyses"], str) else []:
        known = {"models": list(models), "sequences": list(sequences)}
        for name, (kind, names) in zip(pair, known.items(), strict=True):
            if name not in names:
                raise InputError(
                    f"The config lists {name!r} in analyses, which is not under {kind}: {', '.join(names)}."
                )
    for name, model in models.items():
        _check_entry(name, model, config, files)
    for name, one in sequences.items() if files else []:
        check_file(one["path"], f"sequences.{name}", "a FASTA, FASTQ, CSV or TSV file")
    for name, sequence_set in sequences.items():
        _check_intervals(name, sequence_set, config, files)
    for name, variant_set in config["variants"].items():
        check_variants(name, variant_set, config, files)
    for name, condition in config["conditions"].items():
        check_conditions(name, condition, config)
    _check_masks(config)
    _check_motifs(config)
    check_mechanism(config)
    if files:
        _check_mechanism_files(config)


def _check_entry(name: str, model: ModelConfig, config: Config, files: bool) -> None:
    """Check what an entry of `models` names, and that what is asked of it can be."""
    sequences = config["sequences"]
    counted = counted_sequences(model["background"])
    if counted is not None and "genome" in sequences.get(counted, {}):
        raise InputError(
            f"The background of models.{name} counts {counted!r}, which are intervals of a genome; "
            "name a FASTA file or a table of sequences."
        )
    if counted is not None and counted not in sequences:
        raise InputError(
            f"The background of models.{name} names the sequences {counted!r}, "
            f"which are not under sequences: {', '.join(sequences)}."
        )
    check_background(name, model, config, files)
    _check_near(name, model, sequences)
    for output, spec in model["outputs"].items() if isinstance(model["outputs"], Mapping) else ():
        check_output(f"{output} of models.{name}", spec)
    _check_model(name, model, files)
    if config["explain"]["hypothetical"] and "onehot" in model["outputs"]:
        raise InputError(
            f"The config names an output of models.{name} 'onehot', as explain.hypothetical names the file of "
            "one-hot sequences; rename the output."
        )
    if config["explain"]["refine"] and model["source"]["kind"] == "table":
        raise InputError(f"The config sets explain.refine, which asks the model, but models.{name} is a table.")
    if config["compare"]["enabled"] and model["source"]["kind"] == "table":
        raise InputError(f"The config enables compare, which asks the model, but models.{name} is a table.")


def _check_mechanism_files(config: Config) -> None:
    """Look for the tables and labels that entries of `mechanism` name."""
    for name, probed in config["mechanism"].items():
        if "design" in probed:
            check_file(probed["design"]["path"], f"mechanism.{name}.design", FILES["table"])
        for probe, table in probed["probe"].items():
            check_file(table["path"], f"mechanism.{name}.probe.{probe}", FILES["table"])
        for concept, path in label_files(probed).items():
            check_file(path, f"mechanism.{name}.concepts.{concept}", "a TSV or BED file of labels")


def _check_intervals(name: str, one: SequencesConfig, config: Config, files: bool) -> None:
    """Check intervals of a genome, and that nothing else has their keys."""
    place = f"sequences.{name}"
    if "genome" not in one:
        defaults = {"width": None, "feature": "", "anchor": "auto", "strand": "file"}
        given = [key for key, default in defaults.items() if one.get(key) != default]
        if given:
            raise InputError(f"The config sets {place}.{given[0]}, which is for intervals; give their genome too.")
        return
    if files:
        check_file(one["genome"], f"{place}.genome", "a FASTA file, plain or packed by bgzip")
    for model in _models_of(name, config):
        entry = config["models"][model]
        length = len(allowed_letters(named_letters(entry["alphabet"]), entry["template"]))
        if kind_of(named_letters(entry["alphabet"])) not in ("DNA", "RNA"):
            raise InputError(
                f"The config has intervals of a genome in {place}; models.{model} reads {entry['alphabet']}."
            )
        if one.get("width", length) != length:
            raise InputError(
                f"The config sets {place}.width: {one['width']}, but the template of models.{model} has {length}; "
                "leave the width out, or make both the same."
            )


def _models_of(name: str, config: Config) -> list[str]:
    """The models that a set of sequences is explained for, looked at in `mechanism`, or asked near."""
    analyses = config["analyses"]
    pairs: list[list[str]] = [] if isinstance(analyses, str) else analyses
    models = list(config["models"]) if analyses == "all" else [model for model, own in pairs if own == name]
    models += [entry["model"] for entry in config["mechanism"].values() if entry["sequences"] == name]
    models += [model for model, entry in config["models"].items() if name in near_names(entry)]
    return [model for model in dict.fromkeys(models) if model in config["models"]]


def _check_near(name: str, model: ModelConfig, sequences: Mapping[str, SequencesConfig]) -> None:
    """Check that what a sketch asks near is there, and that the model can be asked."""
    names, kind = near_names(model), model["source"]["kind"]
    if names and kind in ("table", "trees"):
        why = "has no answers but its rows" if kind == "table" else "is expanded exactly, without a sketch"
        raise InputError(f"The config sets models.{name}.sketch.near, but a model of the kind {kind} {why}.")
    for known in names:
        if known not in sequences:
            raise InputError(
                f"models.{name}.sketch.near names the sequences {known!r}, which are not under sequences: "
                f"{', '.join(sequences)}."
            )


def _check_model(name: str, model: ModelConfig, files: bool) -> None:
    """Check a model's alphabet, template and files."""
    letters, source = named_letters(model["alphabet"]), model["source"]
    try:
        check_letters(letters)
        allowed_letters(letters, model["template"])
    except InputError as error:
        raise InputError(f"The config is wrong at models.{name}: {error}") from None
    model_files = set(
        named_files({key: source[key] for key in ("axes", "config", "constants", "files", "tokens") if key in source})
    )
    for number, fold in enumerate(fold_sources(source), 1):
        if "folds" in source and not FOLD_KEYS[fold["kind"]] & fold.keys():
            lacking = " or ".join(sorted(FOLD_KEYS[fold["kind"]]))
            raise InputError(f"The fold {number} of models.{name}.source has no {lacking}, and the source has none.")
        model_files |= set(needed_files(fold)) | set(fold.get("files", ()))
        model_files |= {fold[key].rpartition(":")[0] for key in ("target", "factory") & fold.keys()}
    downloads(source)  # each names a file
    for path in source_files(source) if files else []:
        if path == source.get("dictionary"):
            continue  # the workflow makes it
        check_file(
            path, f"models.{name}.source", "a file" if path in model_files else FILES.get(source["kind"], "a file")
        )
    if files and "reference" in source:
        check_file(source["reference"], f"models.{name}.source.reference", FILES["table"])


def check_database(config: Config) -> None:
    """Read the database of motifs, if there is one, with the alphabet of every model: before any is asked.

    Raises:
        InputError: it cannot be read, or has motifs of other letters.
    """
    if "database" in config["motifs"]:
        for letters in dict.fromkeys(named_letters(model["alphabet"]) for model in config["models"].values()):
            read_motifs(config["motifs"]["database"], letters)


def _check_masks(config: Config) -> None:
    explain = config["explain"]
    if explain["mode"] != "masks":
        return
    for key in ("refine", "mutations"):
        if explain[key]:
            raise InputError(f"The config sets explain.{key}, which needs a sketch; explain.mode is masks.")
    if explain["hypothetical"] and explain["masks"]["estimator"] not in ("auto", "student"):
        raise InputError(
            "The config sets explain.hypothetical, which students of masks tell; explain.masks.estimator is "
            f"{explain['masks']['estimator']}, which trains none: choose auto or student."
        )
    if config["compare"]["enabled"]:
        raise InputError("The config enables compare, which needs a sketch; explain.mode is masks.")
    for name, model in config["models"].items():
        if model["source"]["kind"] == "table":
            raise InputError(
                f"The config sets explain.mode: masks, which asks the model, but models.{name} is a table."
            )
    for name, one in config["sequences"].items():
        if one["ambiguous"] == "resolve":
            raise InputError(
                f"The config sets sequences.{name}.ambiguous: resolve; with explain.mode: masks it is error or drop."
            )


def _check_motifs(config: Config) -> None:
    motifs = config["motifs"]
    if "database" in motifs:
        check_file(motifs["database"], "motifs.database", "a MEME file")
    if motifs["reverse_complement"]:
        for name, model in config["models"].items():
            if kind_of(named_letters(model["alphabet"])) != "DNA":
                raise InputError(
                    f"The config sets motifs.reverse_complement, but the alphabet of models.{name} is "
                    f"{model['alphabet']}; only DNA has a second strand."
                )


def canonical(value: Any) -> Any:
    """Sort the keys of nested mappings, so that the order in the file does not look like a change."""
    if isinstance(value, Mapping):
        return {key: canonical(value[key]) for key in sorted(value)}
    return value


def _fill(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Fill defaults in place, through nested objects that are there or have a default, and the branches that match."""
    schema = resolved(schema, root)
    if isinstance(value, list):
        return [_fill(entry, schema.get("items", {}), root) for entry in value]
    if not isinstance(value, dict):
        return value
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        filled = _fill(deepcopy(value), branch, root)
        if jsonschema.Draft202012Validator({**branch, "$defs": root.get("$defs", {})}).is_valid(filled):
            value = filled
            break
    for key, part in schema.get("properties", {}).items():
        if key not in value and "default" in part:
            value[key] = deepcopy(part["default"])
        if key in value:
            value[key] = _fill(value[key], part, root)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        for key in value.keys() - schema.get("properties", {}).keys():
            value[key] = _fill(value[key], extra, root)
    return value
