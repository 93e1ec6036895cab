"""Maps of interactions between positions, and tables of the strongest supports."""

import pytest
from motif_cases import Planted, aggregated, exact_spectrum, random_texts, template_of

from shapsketch.motifs.positions import position_interactions
from shapsketch.sequences.template import Template


def test_interaction_maps_are_means_of_the_shapley_interaction_index(tmp_path):
    template = template_of("DNA", 6)
    spectrum = exact_spectrum(template, [Planted("GAT", (0, 1, 3), (1, 2), 2.0)])
    texts = random_texts(template, 50)
    table = aggregated(tmp_path, spectrum, texts).summary.tables["position_interactions"]
    listed = spectrum.interactions(texts, index="SII", max_order=2, top_k=None)
    for _, row in table.iterrows():
        own = listed[listed["positions"] == f"{row['position_1']},{row['position_2']}"]["value"]
        assert row["mean"] == pytest.approx(own.sum() / 50, abs=1e-7)
        assert row["mean_absolute"] == pytest.approx(own.abs().sum() / 50, abs=1e-7)
    strength = position_interactions(spectrum)
    assert table["strength"].to_numpy() == pytest.approx(strength[table["position_1"] - 1, table["position_2"] - 1])


def test_letter_tables_of_the_strongest_supports(tmp_path):
    template = Template(template_of("DNA", 1).alphabet, "NNYNGN")
    spectrum = exact_spectrum(template, [Planted("CA", (0, 1), (2,), 2.0), Planted("GT", (0, 5), (0,), 1.0)])
    texts = random_texts(template, 400)
    tables = aggregated(tmp_path, spectrum, texts).summary.tables
    assert tables["supports"]["positions"].tolist() == ["3,4", "1,6"]
    first = tables["support_tables"].query("support == 'T1'").set_index("letters")
    assert set(first.index) == {a + b for a in "CT" for b in "ACGT"}
    assert first.loc["CA", "value"] == pytest.approx(2 * 0.5 * 0.75)
    assert first.loc["TG", "count"] == sum(text[2:4] == "TG" for text in texts)
