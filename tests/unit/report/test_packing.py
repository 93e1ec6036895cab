"""Packs come back."""

import numpy as np

from analysis import NASTY
from pages import unpack
from shapsketch.report.packing import Pack


def test_packs_come_back(tmp_path):
    rng = np.random.default_rng(0)
    real = rng.normal(0, 3, (40, 7))
    real[3, 2] = np.nan
    errors = np.abs(real)
    pack = Pack()
    pack.add("bytes", np.arange(7, dtype=np.uint8))
    pack.add("words", np.arange(70_000, 70_005, dtype=np.uint32))
    pack.add_rounded("real", real)
    pack.add_errors("errors", errors)
    pack.add_rounded("nothing", np.zeros(3))
    pack.add_errors("no errors", np.full(3, np.nan))
    pack.add_json("names", NASTY)
    found = unpack(pack.directory, pack.text())
    assert found["bytes"].tolist() == list(range(7))
    assert found["words"].tolist() == list(range(70_000, 70_005))
    assert np.nanmax(np.abs(found["real"] - real.ravel())) <= np.nanmax(np.abs(real)) / 65_533
    assert np.isnan(found["real"]).tolist() == np.isnan(real.ravel()).tolist()
    assert (
        np.nanmax(np.abs(np.sqrt(found["errors"]) - np.sqrt(errors.ravel()))) <= np.sqrt(np.nanmax(errors)) / 254 * 0.51
    )
    assert found["nothing"].tolist() == [0, 0, 0]
    assert np.isnan(found["no errors"]).all()
    assert found["names"] == NASTY
