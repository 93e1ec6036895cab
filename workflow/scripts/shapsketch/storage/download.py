"""Downloads: files from the web or from disk, kept only if their length and SHA-256 are right."""

import http.client
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .. import __version__
from ..settings.errors import InputError
from ..settings.sources import Download
from .files import sha256_file

CHUNK = 1 << 20  # bytes
TIMEOUT_SECONDS = 60.0  # seconds without a byte
MAX_ROUNDS = 5  # of all mirrors
PAUSE_SECONDS = 1.0  # seconds before the second round; doubled with each further one
TRANSIENT = (408, 425, 429)  # of the client errors, those that another attempt may not meet

Progress = Callable[[int], object]


class _HopelessError(Exception):
    """This address cannot give the file, however often it is asked."""


def download(
    wanted: Download,
    path: str | Path,
    *,
    offline: bool = False,
    progress: Progress = lambda n: None,
    timeout: float = TIMEOUT_SECONDS,
    pause: float = PAUSE_SECONDS,
) -> None:
    """Fetch a file from the first of its addresses that gives it.

    A transfer that breaks off is taken up where it stopped, at once or by the next run: what has come lies beside
    `path` as `.NAME.part`. Proxies are those of the environment (`http_proxy`, `https_proxy`, `no_proxy`).

    Args:
        wanted: the addresses (`https://`, `http://`, `ftp://`, `file://` or a path), SHA-256 and size.
        path: where the file goes; written whole or not at all.
        offline: whether to leave the network alone, so that only local addresses are tried.
        progress: called with the number of bytes of every chunk.
        timeout: seconds without a byte after which a connection counts as broken.
        pause: seconds before the second round of attempts; doubled with each further one.

    Raises:
        InputError: no address gives the file, or it has another length or checksum.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    problems: dict[str, str] = {}
    hopeless: set[str] = set()
    for attempt in range(MAX_ROUNDS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        for url in wanted.urls:
            if url in hopeless:
                continue
            try:
                resumed = _bring(url, part, wanted.size, offline, progress, timeout)
                _check(part, wanted, resumed)
            except _HopelessError as error:
                hopeless.add(url)
                problems[url] = str(error)
                part.unlink(missing_ok=True)
            except (OSError, http.client.HTTPException) as error:
                problems[url] = str(error) or type(error).__name__
            else:
                part.replace(path)
                return
        if len(hopeless) == len(wanted.urls):
            break
    raise InputError("; ".join(f"{url} {problem}" for url, problem in problems.items()) + ".")


def _bring(url: str, part: Path, size: int | None, offline: bool, progress: Progress, timeout: float) -> bool:
    """Bring all of a file to `part`; return whether a part was there before."""
    parsed = urllib.parse.urlsplit(url)
    if parsed.scheme in ("", "file"):
        source = Path(url if not parsed.scheme else urllib.request.url2pathname(parsed.path))
        if not source.is_file():
            raise _HopelessError("does not exist")
        shutil.copyfile(source, part)
        progress(part.stat().st_size)
        return False
    if offline:
        raise _HopelessError("is not asked, because the config says offline; bring the file and name it by its path")
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": f"shapsketch/{__version__}"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urllib.request.build_opener().open(request, timeout=timeout)  # an own one, for today's proxies
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part is as long as the file or longer
            part.unlink(missing_ok=True)
        elif 400 <= error.code < 500 and error.code not in TRANSIENT:
            raise _HopelessError(f"answers {error.code} ({error.reason})") from error
        raise OSError(f"answers {error.code} ({error.reason})") from error
    except ValueError as error:
        raise _HopelessError(f"is no address ({error})") from error
    with response:
        continues = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        start = start if start and response.status == 206 and continues else 0
        length = response.headers.get("Content-Length")
        _receive(response, part, start, None if length is None else start + int(length), size, progress)
    return start > 0


def _receive(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    length: int | None,
    size: int | None,
    progress: Progress,
) -> None:
    """Write a response to `part` from byte `start` on."""
    if size is not None and length not in (None, size):
        raise _HopelessError(f"is {length} bytes long, but {size} were declared")
    with open(part, "r+b" if start else "wb") as handle:
        handle.seek(start)
        handle.truncate()
        while chunk := response.read1(CHUNK):
            handle.write(chunk)
            progress(len(chunk))
        handle.flush()
        os.fsync(handle.fileno())
        received = handle.tell()
    if length is not None and received < length:
        raise OSError(f"broke off after {received} of {length} bytes")


def _check(part: Path, wanted: Download, resumed: bool) -> None:
    """Check length and checksum; a file that was put together of two transfers gets a second chance."""
    problem, size, digest = "", part.stat().st_size, sha256_file(part)
    if wanted.size is not None and size != wanted.size:
        problem = f"gave {size} bytes, but {wanted.size} were declared; the file was removed"
    elif not wanted.sha256:
        problem = (
            f"has the SHA-256 {digest}, and no right one is recorded; compare it with one you trust and write it into "
            "the config as sha256; the file was removed"
        )
    elif digest != wanted.sha256.lower():
        problem = f"has the SHA-256 {digest}, but {wanted.sha256} was declared; the file was removed"
    if problem:
        part.unlink()
        raise OSError(problem) if resumed else _HopelessError(problem)
