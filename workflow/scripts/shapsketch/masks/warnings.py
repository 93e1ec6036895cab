"""Why an explanation by masks may be distrusted, and how that is said."""

MIN_TRUSTED_R2 = 0.7  # R2 of the value function that an explanation should have
WARNINGS = ("nothing", "r2", "unsure", "gap", "range")
# What each says of some sequences, and what to do about it.
WORDS = {
    "nothing": "nothing better than a constant was found; values are from random walks or pairs of coalitions alone",
    "r2": f"R2 lies below {MIN_TRUSTED_R2}, or is undefined; a larger explain.masks.budget raises it, and so do "
    "segments in the place of positions, or longer ones (explain.masks.players)",
    "unsure": f"R2 may lie below {MIN_TRUSTED_R2}: the noise of the draws hides it, and a larger explain.masks.budget "
    "tells",
    "gap": "base value and Shapley values missed the prediction by more than their standard errors allow, "
    "before they were made to add up",
    "range": "before that, they added up to more or less than any value of the model that was seen",
}
