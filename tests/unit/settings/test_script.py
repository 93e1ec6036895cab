"""What every script does first: its log, and the bar that shows progress on a terminal and nowhere else.

Covers also: errors.
"""

import os
import pty
import subprocess
import sys
import termios

CODE = """
import sys, types
sys.path.insert(0, "workflow/scripts")
from shapsketch.settings import script
script.start(types.SimpleNamespace(log=sys.argv[1], threads=1))
with script.progress("explain some", "sequence", 3) as bar:
    for _ in range(3):
        bar.update()
print("for the log")
"""


def test_a_bar_is_drawn_on_a_terminal(root, tmp_path):
    reader, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    os.set_blocking(reader, False)
    subprocess.run([sys.executable, "-c", CODE, tmp_path / "log"], stderr=terminal, cwd=root, check=True, timeout=60)
    shown = os.read(reader, 10_000).decode()  # Linux drops what is unread when the terminal closes
    os.close(terminal)
    os.close(reader)
    assert "explain some" in shown
    assert shown.split("\r")[-1].strip() == ""  # it is gone when the step is done
    assert (tmp_path / "log").read_text() == "for the log\n"


def test_without_a_terminal_the_bar_goes_to_the_log(root, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path / "log"], capture_output=True, cwd=root, check=True, timeout=60
    )
    assert done.stderr == done.stdout == b""
    log = (tmp_path / "log").read_text()
    assert "explain some: 100%" in log and "3/3" in log
    assert "for the log" in log


STAGED = """
import sys, types, os
sys.path.insert(0, "workflow/scripts")
from shapsketch.settings import script
from shapsketch.settings.errors import InputError, ModelError
script.start(types.SimpleNamespace(log=sys.argv[1], threads=1))
"""


def staged(root, log, code):
    command = [sys.executable, "-c", STAGED + code, log]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False, timeout=60)


def test_a_mistake_is_told_and_lies_beside_the_log(root, tmp_path):
    log, mistake = tmp_path / "log", tmp_path / "log.mistake"
    done = staged(root, log, "raise InputError('No file is named x.')")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "\nshapsketch: No file is named x.\n\n")
    assert mistake.read_text() == "No file is named x."
    assert "Traceback" in log.read_text()
    assert "The traceback is in" in staged(root, log, "raise ModelError('It raised.')").stderr
    done = staged(root, log, "raise OSError('a fault of the machine')")
    assert "a fault of the machine" in done.stderr
    assert not mistake.exists()  # it is worth another try
    staged(root, log, "raise InputError('x')")
    assert staged(root, log, "print('fine')").returncode == 0
    assert not mistake.exists()


SURVIVED = "script.survive(sys.argv[1] + '.made', 'The model m')\n"


def test_the_end_of_a_process_from_within_is_told(root, tmp_path):
    log = tmp_path / "log"
    for code, sentence in {
        "os._exit(3)": "The model m ended the process (exit status 3), without an exception.",
        "os._exit(0)": "The model m ended the process (exit status 0), without an exception.",
        "os.abort()": "The model m was ended by SIGABRT, without an exception.",
        "raise InputError('No.')": "No.",
    }.items():
        done = staged(root, log, SURVIVED + code)
        assert (done.returncode, done.stderr) == (1, f"\nshapsketch: {sentence}\n\n")
        assert (tmp_path / "log.mistake").read_text() == sentence
    done = staged(root, log, SURVIVED + "import signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == 1
    assert "memory may have run out" in done.stderr
    assert not (tmp_path / "log.mistake").exists()
    assert staged(root, log, SURVIVED + "open(sys.argv[1] + '.made', 'w').close()").returncode == 0


def test_a_full_disk_is_told_in_a_sentence(root):
    """Also where the log itself cannot be written."""
    code = """
import errno
from types import SimpleNamespace
from shapsketch.settings import script
script.start(SimpleNamespace(log="/dev/full", threads=1))
raise OSError(errno.ENOSPC, "No space left on device")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root / "workflow/scripts"
    )
    assert done.returncode != 0
    assert "shapsketch: No space is left where the results go" in done.stderr
    assert "Traceback" not in done.stderr
