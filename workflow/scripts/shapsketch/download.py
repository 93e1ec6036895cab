"""Downloads: model files from the web or from disk, checked against their SHA-256."""

import hashlib
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .errors import InputError
from .files import atomic_path

CHUNK = 1 << 20
TIMEOUT = 60  # seconds without a byte


def download(url: str, sha256: str, path: str | Path, progress: Callable[[int], object] = lambda n: None) -> None:
    """Fetch a file and keep it only if its checksum is right.

    Args:
        url: `http(s)://`, `ftp://` or `file://`.
        sha256: 64 hex digits.
        path: where the file goes; written whole or not at all.
        progress: called with the number of bytes of every chunk.

    Raises:
        InputError: the file cannot be had, or has another checksum.
    """
    digest = hashlib.sha256()
    with atomic_path(path) as temporary:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response, open(temporary, "wb") as handle:
                while chunk := response.read(CHUNK):
                    handle.write(chunk)
                    digest.update(chunk)
                    progress(len(chunk))
        except (OSError, ValueError) as error:
            raise InputError(f"{url} cannot be downloaded: {error}.") from error
        if digest.hexdigest() != sha256.lower():
            raise InputError(
                f"{url} has the SHA-256 {digest.hexdigest()}, but {sha256} was declared; the file was removed."
            )
