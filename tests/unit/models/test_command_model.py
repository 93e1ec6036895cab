"""Models that are programs."""

import numpy as np
from answer_cases import CODES, TEMPLATE, G

from shapsketch.models import Model


def test_columns_of_a_command(tmp_path):
    (tmp_path / "p.py").write_text("import sys\nfor s in sys.stdin: print(s.count('A'), s.count('G'), sep=',')")
    import sys

    source = {"kind": "command", "command": f"{sys.executable} '{tmp_path}/p.py'", "select": {"g": {"column": 1}}}
    np.testing.assert_array_equal(Model(source, TEMPLATE, ["g"])(CODES)[:, 0], G)
