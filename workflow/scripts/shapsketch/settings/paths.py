"""The files that a config names: there, plain, and readable."""

import os
from pathlib import Path

from .errors import InputError


def check_file(path: str, place: str, wanted: str) -> None:
    """Check that a path is a file that may be read.

    Args:
        path: as the config has it.
        place: of the path in the config, such as `sequences.NAME`.
        wanted: which kind of file is right, in words.

    Raises:
        InputError: it is none.
    """
    if "{" in path or "}" in path:
        raise InputError(f"The file {path} of {place} has a brace in its name, which Snakemake takes for a wildcard.")
    if "\0" in path or not path.strip():
        raise InputError(f"The path {path!r} of {place} names no file; give {wanted}.")
    file = Path(path)
    try:
        if file.is_dir():
            raise InputError(f"{path} of {place} is a folder; {_instead(file, wanted)}.")
        if file.is_symlink() and not file.exists():
            raise InputError(f"The file {path} of {place} is a link to {file.readlink()}, which does not exist.")
        if not file.exists():
            raise InputError(f"The file {path} of {place} does not exist.")
    except OSError as error:
        raise InputError(f"The file {path} of {place} cannot be looked at ({error.strerror}).") from None
    if not file.is_file():
        raise InputError(f"{path} of {place} is not a plain file; give {wanted}.")
    if not os.access(file, os.R_OK):
        raise InputError(f"The file {path} of {place} may not be read; its permissions forbid it.")


def _instead(folder: Path, wanted: str) -> str:
    """What to name instead of a folder."""
    if (folder / "saved_model.pb").exists():
        return (
            "a SavedModel of TensorFlow is not read: load it in Keras and save it by model.save('model.h5') for the "
            "kind keras_h5, or convert it to ONNX with tf2onnx for the kind onnx"
        )
    files = sorted(entry.name for entry in folder.iterdir() if entry.is_file() and not entry.name.startswith("."))
    inside = (
        f", such as {folder / files[0]}" if len(files) == 1 else f" (it holds {', '.join(files[:5])})" * bool(files)
    )
    return f"give {wanted}{inside}"
