"""Files of spectra, and what is none."""

import json
from pathlib import Path

import numpy as np
import pytest
from wave_cases import wave_spectrum

from oracles import all_codes, random_function
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import load_spectra, save_spectra
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import load_npz, save_npz

DATA = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize("make", [lambda: wave_spectrum()[0], lambda: random_function(4, 4, False, 1)[0]])
def test_file_round_trip(tmp_path, make):
    spectrum = make()
    path = tmp_path / "spectrum.npz"
    spectrum.save(path)
    again = Spectrum.load(path)
    codes = all_codes(spectrum.template.sizes)[::7]
    assert (again.terms.predict(codes) == spectrum.terms.predict(codes)).all()
    assert again.intercept == spectrum.intercept
    assert again.provenance == spectrum.provenance
    assert (again.background.probabilities == spectrum.background.probabilities).all()
    first = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == first


def test_several_outputs_in_one_file(tmp_path):
    one = random_function(3, 4, True, 1)[0]
    other = Spectrum(one.background, "z", 2.0, Terms.build(one.template.sizes, {}), {})
    save_spectra(tmp_path / "s.npz", [one, other])
    assert list(load_spectra(tmp_path / "s.npz")) == ["y", "z"]
    assert Spectrum.load(tmp_path / "s.npz", "z").intercept == 2.0
    with pytest.raises(InputError, match="holds the outputs y, z"):
        Spectrum.load(tmp_path / "s.npz")


def test_files_that_are_no_spectra(tmp_path):
    path = tmp_path / "s.npz"
    with pytest.raises(InputError, match="does not exist"):
        Spectrum.load(path)
    save_npz(path, {"x": np.zeros(3)})
    with pytest.raises(InputError, match="not a spectrum"):
        Spectrum.load(path)
    np.savez(path, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="damaged or not an .npz of plain arrays"):
        Spectrum.load(path)
    save_npz(path, {"x": np.arange(1000)})
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="damaged"):
        load_npz(path)


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_earlier_code_still_load(version):
    """Written, with what it made of them, by the code of before trains (1) and of before Markov backgrounds (2)."""
    path = DATA / f"spectrum_version_{version}.npz"
    assert int(load_npz(path)["version"]) == version
    expected, spectra = json.loads(path.with_suffix(".json").read_text()), load_spectra(path)
    assert list(spectra) == list(expected["outputs"])
    for name, values in expected["outputs"].items():
        sequences = expected["sequences"]
        assert np.allclose(spectra[name].predict(sequences), values["predictions"], rtol=1e-12, atol=1e-12)
        assert np.allclose(spectra[name].shapley_values(sequences), values["shapley_values"], rtol=1e-12, atol=1e-12)
    assert [bool(spectrum.trains) for spectrum in spectra.values()] == [version == 2, False]
