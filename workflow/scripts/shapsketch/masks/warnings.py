"""Why an explanation by masks may be distrusted, and how that is said."""

MIN_TRUSTED_R2 = 0.7  # R2 of the value function that an explanation should have
WARNINGS = ("nothing", "r2", "unsure", "gap", "range")
# What each says of so many sequences.
WORDS = {
    "nothing": "nothing better than a constant was found; their values are from random walks alone",
    "r2": f"their R2 lies below {MIN_TRUSTED_R2}, or is undefined",
    "unsure": f"their R2 may lie below {MIN_TRUSTED_R2}: the noise of the draws hides it",
    "gap": "base value and Shapley values missed the prediction by more than their standard errors allow, "
    "before they were made to add up",
    "range": "before that, they added up to more or less than any value of the model that was seen",
}
