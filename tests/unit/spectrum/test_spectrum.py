"""The Spectrum: files, encoding, ambiguous letters, waves."""

from itertools import product

import numpy as np
import pytest

from oracles import all_codes, random_function
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.ambiguity import resolve
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import load_spectra, save_spectra
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import load_npz, save_npz


def wave_spectrum():
    """Order 6 with q = 4: held as waves, since a table would have 4,096 cells."""
    template = Template(Alphabet("ACGT"), "NNNANNN")
    rng = np.random.default_rng(0)
    k = np.array([[1, 2, 3, 1, 2, 1], [3, 2, 1, 3, 2, 3], [1, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0], [2, 2, 0, 0, 0, 0]])
    f = rng.normal(size=5) + 1j * rng.normal(size=5)
    f[1], f[3], f[4] = f[0].conj(), f[2].conj(), 0.5
    terms = terms_from_coefficients(template, k, f)
    return Spectrum(Background.uniform(template), "y", 0.25, terms, {"seed": 1}), k, f


def test_waves_are_the_fourier_sum():
    spectrum, k, f = wave_spectrum()
    assert spectrum.terms.has_table.tolist() == [True, True, False]
    x = all_codes([4, 4, 4, 1, 4, 4, 4])
    direct = np.real(np.exp(2j * np.pi / 4 * (x[:, [0, 1, 2, 4, 5, 6]].astype(int) @ k.T)) @ f)
    assert np.abs(spectrum.terms.predict(x) - direct).max() < 1e-12
    assert np.allclose(spectrum.variances.sum(), np.var(direct))
    assert np.abs(spectrum.terms.shapley_values(x).sum(1) - direct).max() < 1e-12


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


def test_sequences_that_do_not_fit():
    spectrum = wave_spectrum()[0]
    with pytest.raises(InputError, match="Sequence 2 has 6 letters; this spectrum explains sequences of 7"):
        spectrum.predict(["ACGACGT", "ACGACG"])
    with pytest.raises(InputError, match="Sequence 1 has 'C' at position 4; this spectrum allows A there"):
        spectrum.predict(["ACGCCGT"])


@pytest.mark.parametrize("waves", [True, False])
def test_ambiguous_letters_are_exact_averages(waves):
    spectrum = wave_spectrum()[0] if waves else random_function(4, 4, False, 2)[0]
    if waves:
        sequences, members = ["NCRACGT", "ACGACGT", "ACGABNT"], [["ACGT", "C", "AG", "A", "C", "G", "T"], None, None]
    else:
        spectrum = Spectrum(
            Background(Template(Alphabet("ACGT"), "NNNN"), spectrum.background.probabilities),
            "y",
            spectrum.intercept,
            spectrum.terms,
        )
        sequences, members = ["NCRA", "ACGT"], [["ACGT", "C", "AG", "A"], None]
    codes, terms = resolve(spectrum, sequences)
    p = spectrum.background.probabilities
    letters = spectrum.template.alphabet.letters
    expected = np.zeros(spectrum.template.n)
    total = 0.0
    for choice in product(*members[0]):
        weight = np.prod([p[i, letters.index(c)] for i, c in enumerate(choice)])
        total += weight
        expected += weight * spectrum.terms.shapley_values(spectrum.encode(["".join(choice)]))[0]
    found = terms.shapley_values(codes)
    assert np.abs(found[0] - expected / total).max() < 1e-12
    assert found[0, 0] == pytest.approx(0, abs=1e-12)  # fully ambiguous: contributes nothing
    assert (found[1] == spectrum.terms.shapley_values(spectrum.encode([sequences[1]]))[0]).all()


def test_an_ambiguous_neighbour_changes_no_bit_of_a_wave():
    template = Template(Alphabet.from_config("protein"), "XXAX")
    rng = np.random.default_rng(0)
    k = rng.integers(1, 20, (6, 3))
    f = rng.normal(size=6) + 1j * rng.normal(size=6)
    terms = terms_from_coefficients(template, np.concatenate([k, -k % 20]), np.concatenate([f, f.conj()]))
    assert not terms.has_table.any()
    spectrum = Spectrum(Background.uniform(template), "y", 0.0, terms)
    alone = spectrum.shapley_values(["ACAD"])
    codes, resolved = resolve(spectrum, ["ACAD", "XCAD"])
    found = resolved.shapley_values(codes)
    assert (found[0] == alone[0]).all()
    averaged = np.mean([spectrum.shapley_values([a + "CAD"])[0] for a in template.alphabet.letters], axis=0)
    assert np.abs(found[1] - averaged).max() < 1e-12


def test_results_do_not_depend_on_chunks_or_threads():
    import numba

    spectrum = random_function(6, 4, True, 5)[0]
    codes = all_codes([4] * 6)
    whole = spectrum.terms.shapley_values(codes)
    assert (np.vstack([spectrum.terms.shapley_values(codes[i : i + 700]) for i in range(0, 4096, 700)]) == whole).all()
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    assert (spectrum.terms.shapley_values(codes) == whole).all()
    sums = spectrum.terms.cell_sums(codes, np.linspace(0, 1, 4096))
    numba.set_num_threads(threads)
    assert (spectrum.terms.cell_sums(codes, np.linspace(0, 1, 4096)) == sums).all()
