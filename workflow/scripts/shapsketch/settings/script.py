"""What every script of the workflow does first: open its log, and tell mistakes in one sentence.

A mistake of the user's is written beside the log too, into a file `.mistake`: Snakemake's own process reads there that
the job need not be tried again, and why it failed where it ran on another machine.

Import this before anything heavy, so that even a failed import lands in the log.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

# Sums of linear algebra depend on the number of threads: one, so that results do not. Our own kernels
# (numba) are parallel and add in a fixed order.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["MPLBACKEND"] = "Agg"  # figures are written to files; a cluster has no display


_terminal: TextIO | None = None  # as it was before the output went to the log


def start(snakemake: Any) -> Callable[[str], None]:
    """Send all output of this process to the rule's log; show user errors on the terminal too.

    Args:
        snakemake: the object that Snakemake gives a script; its log and threads are read.

    Returns:
        A function that shows a sentence on the terminal and in the log.
    """
    global _terminal
    os.environ["NUMBA_NUM_THREADS"] = str(snakemake.threads)
    _terminal = terminal = os.fdopen(os.dup(2), "w", encoding="utf-8")
    log = open(str(snakemake.log), "w", encoding="utf-8", buffering=1)  # noqa: SIM115
    mistake = Path(f"{snakemake.log}.mistake")
    mistake.unlink(missing_ok=True)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        from shapsketch.settings.errors import InputError, ModelError

        if isinstance(error, InputError):
            sentence = str(error)
            if isinstance(error, ModelError):
                sentence += f" The traceback is in {snakemake.log}."
            with suppress(OSError):
                mistake.write_text(sentence, encoding="utf-8")
        elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            sentence = (
                f"No space is left where the results go ({error}). Free some and run the same command again: "
                "finished shards stay."
            )
        else:
            sentence = f"{kind.__name__}: {error} (traceback in {snakemake.log})"
        with suppress(OSError):
            print(f"\nshapsketch: {sentence}\n", file=terminal, flush=True)
        with suppress(OSError):  # the disk may be full
            traceback.print_exception(kind, error, trace, file=log)

    sys.excepthook = report

    def tell(sentence: str) -> None:
        for stream in (terminal, log):
            print(f"shapsketch: {sentence}", file=stream, flush=True)

    return tell


def survive(made: str, what: str) -> None:
    """Go on in a child process, and tell in this one if it is ended from within, as `os._exit` and crashes do.

    Called before anything heavy is imported. Only the child returns.

    Args:
        made: the file that the child writes last.
        what: it does, for the sentence.

    Raises:
        InputError: in the parent, the child ended without an exception and without the file.
    """
    child = os.fork()
    if not child:
        return
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == -signal.SIGKILL:
        print(f"\nshapsketch: {what} was killed; memory may have run out.\n", file=_terminal, flush=True)
        os._exit(1)
    if code in (0, 1) and (code or Path(made).exists()):
        os._exit(code)  # all is written, or told
    from shapsketch.settings.errors import InputError

    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended the process (exit status {code})"
    raise InputError(f"{what} {how}, without an exception.")


@contextmanager
def steps(name: str) -> "Iterator[Callable[[str, int], Callable[[int], object]]]":
    """Show the steps of a long piece of work, each with a bar of its own.

    Args:
        name: of the work.

    Yields:
        A function that begins a step, given its name and its size (0: not known); it returns what is called with
        progress.
    """
    bars: list[tqdm] = []

    def begin(step: str, size: int) -> Callable[[int], object]:
        for bar in bars:
            bar.close()
        bars.append(progress(f"{name}: {step}", "", size or None, unit_scale=True))
        return bars[-1].update

    try:
        yield begin
    finally:
        for bar in bars:
            bar.close()


def progress(name: str, unit: str, total: int | None = None, **options: Any) -> "tqdm":
    """Open a bar that shows how far a long step is, and how long it will take.

    On a terminal it is drawn there, and leaves no trace; otherwise a line in the log every ten seconds will do.

    Args:
        name: of the step.
        unit: of what is counted.
        total: how many there are, where that is known.
        options: of tqdm.
    """
    from tqdm import tqdm

    if _terminal is not None and _terminal.isatty():
        return tqdm(desc=name, unit=unit, total=total, file=_terminal, leave=False, dynamic_ncols=True, **options)
    return tqdm(desc=name, unit=unit, total=total, file=sys.stderr, mininterval=10, ascii=True, **options)
