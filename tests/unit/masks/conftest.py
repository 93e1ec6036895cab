"""What several tests of masks share."""

import pytest
from mask_cases import TEMPLATE

from shapsketch.models import Model


@pytest.fixture
def model(tmp_path):
    code = (
        'def predict(s):\n    return [0.2 * t.count("G") + 2.0 * (t[4:8] == "GATT" and t[23:26] == "CCG") for t in s]\n'
    )
    (tmp_path / "model.py").write_text(code)
    return Model({"kind": "python", "target": f"{tmp_path}/model.py:predict"}, TEMPLATE, ["y"], 500)
