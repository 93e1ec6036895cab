"""Windows around stretches, on either strand."""

from shapsketch.sequences.windows import Window, reverse_complement, window_around


def test_windows_have_the_middle_of_a_stretch_at_half_their_width():
    assert window_around("c", 100, 101, 8) == Window("c", 96, 104, "+")
    assert window_around("c", 100, 101, 7) == Window("c", 97, 104, "+")
    assert window_around("c", 100, 104, 8).start == 98
    window = Window("c", 2, 6, "-")
    assert window.name == "c:2-6(-)"
    assert window.oriented("AACG") == "CGTT" == reverse_complement("AACG")
    assert reverse_complement(reverse_complement("ACGTNRYKMBDHVSW")) == "ACGTNRYKMBDHVSW"
