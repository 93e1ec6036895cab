"""shapsketch: sketch a sequence model once, then explain any number of sequences.

`sketch` asks a model and returns a `Spectrum`; `Spectrum.load` reads one that the workflow has made. It predicts, and
gives Shapley values and interactions of any sequence at almost no cost.
"""

from importlib import import_module

__version__ = "1.1.0"

_HOMES = {
    "Alphabet": "sequences.alphabet",
    "Background": "sequences.background",
    "InputError": "settings.errors",
    "Spectrum": "spectrum.spectrum",
    "Template": "sequences.template",
    "Terms": "spectrum.terms",
    "contribution_logo": "front_door",
    "masked_scores": "masks.saved",
    "sequence_figure": "front_door",
    "sketch": "front_door",
    "sketch_outputs": "front_door",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Import what is public when it is first used, so that scripts start at once."""
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
