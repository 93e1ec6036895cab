"""What a model's `source` in the config names."""

from collections.abc import Mapping
from typing import Any


def source_files(source: Mapping[str, Any]) -> list[str]:
    """Return the files that a model source names: its weights or table, and its user's code."""
    files = [source["path"]] if "path" in source else []
    if "target" in source:
        files.append(source["target"].rpartition(":")[0])
    return files + list(source.get("files", []))
