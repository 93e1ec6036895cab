"""shapsketch: sketch a sequence model once, then explain any number of sequences."""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Alphabet": "sequences.alphabet",
    "Background": "sequences.background",
    "InputError": "settings.errors",
    "Spectrum": "spectrum.spectrum",
    "Template": "sequences.template",
    "Terms": "spectrum.terms",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Import the public classes when they are first used, so that scripts start at once."""
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
