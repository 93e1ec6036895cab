"""The page of a small analysis."""

import pytest
from page_cases import N, build

from analysis import random_sequences, spectra


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    return build(tmp_path_factory.mktemp("page"), random_sequences(90, N), spectra(N))
