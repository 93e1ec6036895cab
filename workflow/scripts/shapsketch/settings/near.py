"""Which sequences a sketch asks near."""

from collections.abc import Mapping
from typing import Any


def near_names(model: Mapping[str, Any]) -> list[str]:
    """Return the names of the sequences that a model's sketch asks near."""
    near = model["sketch"].get("near")
    names = near["sequences"] if near else []
    return [names] if isinstance(names, str) else list(names)
