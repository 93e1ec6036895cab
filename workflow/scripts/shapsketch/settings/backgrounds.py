"""Which file a config's background is made of, and how."""

from collections.abc import Mapping
from typing import Any

WHOLE = ("draws", "shuffle")  # backgrounds that draw sequences, and not letters


def draws_whole_sequences(background: str | Mapping[str, Any]) -> bool:
    """Whether absent letters are all read from one drawn sequence."""
    return not isinstance(background, str) and any(kind in background for kind in WHOLE)


def drawn_file(background: str | Mapping[str, Any]) -> str | None:
    """Return the path of the sequences that a background draws, if it draws from a file."""
    return background["draws"]["path"] if not isinstance(background, str) and "draws" in background else None
