"""Spectra of some alphabets, and their tables as they are read back."""

import pytest
from figure_cases import CASES
from motif_cases import aggregated, exact_spectrum, random_texts

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.storage.tsv import TEXT, read_table, table_text


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """Spectrum and tables of each case."""
    cases = {}
    for kind, (letters, pattern, motifs) in CASES.items():
        template = Template(Alphabet.from_config(letters), pattern)
        spectrum = exact_spectrum(template, motifs)
        texts = random_texts(template, 300 if kind != "protein" else 3000)
        groups = [("a", "b")[k % 2] for k in range(len(texts))]
        result = aggregated(tmp_path_factory.mktemp(kind), spectrum, texts, groups, seqlets=kind == "DNA")
        path = tmp_path_factory.mktemp("tables")
        tables = {}
        for name, table in result.summary.tables.items():  # as they are read back
            assert set(table.select_dtypes(exclude="number")) <= {*TEXT, "gap"}, name  # a gap is a number or empty
            (path / name).write_text(table_text(table), encoding="utf-8")
            tables[name] = read_table(path / name)
        cases[kind] = spectrum, tables
    return cases
