"""The Spectrum: encoding, Fourier terms, the same results from any pieces and threads."""

import numpy as np
import pytest
from wave_cases import wave_spectrum

from oracles import all_codes, random_function
from shapsketch.settings.errors import InputError


def test_waves_are_the_fourier_sum():
    spectrum, k, f = wave_spectrum()
    assert spectrum.terms.has_table.tolist() == [True, True, False]
    x = all_codes([4, 4, 4, 1, 4, 4, 4])
    direct = np.real(np.exp(2j * np.pi / 4 * (x[:, [0, 1, 2, 4, 5, 6]].astype(int) @ k.T)) @ f)
    assert np.abs(spectrum.terms.predict(x) - direct).max() < 1e-12
    assert np.allclose(spectrum.variances.sum(), np.var(direct))
    assert np.abs(spectrum.terms.shapley_values(x).sum(1) - direct).max() < 1e-12


def test_sequences_that_do_not_fit():
    spectrum = wave_spectrum()[0]
    with pytest.raises(InputError, match="Sequence 2 has 6 letters; this spectrum explains sequences of 7"):
        spectrum.predict(["ACGACGT", "ACGACG"])
    with pytest.raises(InputError, match="Sequence 1 has 'C' at position 4; this spectrum allows A there"):
        spectrum.predict(["ACGCCGT"])


def test_results_do_not_depend_on_chunks_or_threads():
    import numba

    spectrum = random_function(6, 4, True, 5)[0]
    codes = all_codes([4] * 6)
    threads = numba.get_num_threads()
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    whole = spectrum.terms.shapley_values(codes)
    assert (np.vstack([spectrum.terms.shapley_values(codes[i : i + 700]) for i in range(0, 4096, 700)]) == whole).all()
    numba.set_num_threads(1)
    assert (spectrum.terms.shapley_values(codes) == whole).all()
    sums = spectrum.terms.cell_sums(codes, np.linspace(0, 1, 4096))
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert (spectrum.terms.cell_sums(codes, np.linspace(0, 1, 4096)) == sums).all()
    numba.set_num_threads(threads)
