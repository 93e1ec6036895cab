"""Tables that pictures are drawn of."""

from motif_cases import Planted

CASES = {
    "DNA": ("ACGT", "NNNNNNGGNN", [Planted("GAT", (0, 1, 3), (0, 2), 2.0)]),
    "two letters": ("ACGT", "ACRRRRRRGGT", [Planted("GA", (0, 2), (2, 3), 2.0)]),  # no position may have C or T
    "RNA": ("ACGU", "NNNNNNNN", [Planted("UAG", (0, 1, 5), (1,), -2.0)]),
    "protein": ("protein", "XXXXXX", [Planted("WD", (0, 3), (0, 2), 2.0)]),
    "custom": ("01", "********", [Planted("101", (0, 2, 3), (1,), 2.0)]),
}
