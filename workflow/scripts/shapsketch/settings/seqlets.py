"""Whether seqlets are looked for: stretches of high contributions, which need long sequences."""

MIN_SEQLET_LENGTH = 50  # letters from which on `auto` looks for them


def wants_seqlets(setting: bool | str, letters: int) -> bool:
    """Say so, given `motifs.seqlets` of the config and how many letters a sequence has."""
    return letters >= MIN_SEQLET_LENGTH if setting == "auto" else bool(setting)
