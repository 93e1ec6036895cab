"""Which sequences a sketch asks near."""

from .records import ModelConfig


def near_names(model: ModelConfig) -> list[str]:
    """Return the names of the sequences that a model's sketch asks near."""
    near = model["sketch"].get("near")
    names = near["sequences"] if near else []
    return [names] if isinstance(names, str) else list(names)
