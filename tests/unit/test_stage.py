"""What every script does first: its log, and the bar that shows progress on a terminal and nowhere else."""

import os
import pty
import subprocess
import sys
import termios

CODE = """
import sys, types
sys.path.insert(0, "workflow/scripts")
from shapsketch import stage
stage.start(types.SimpleNamespace(log=sys.argv[1], threads=1))
with stage.progress("explain some", "sequence", 3) as bar:
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
