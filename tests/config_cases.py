"""Configs of one model, as they are read."""

MODEL = "models:\n  m:\n    source: {kind: builtin, function: microhomology}\n    alphabet: DNA\n    template: NNNN\n"

SEQUENCES = "sequences:\n  s: {path: s.fa}\n"


def with_model(**keys):
    """A config with some keys of its model replaced by text."""
    lines = {"source": "{kind: builtin, function: microhomology}", "alphabet": "DNA", "template": "NNNN"} | keys
    return "models:\n  m:\n" + "".join(f"    {key}: {text}\n" for key, text in lines.items()) + SEQUENCES
