"""The spectrum: terms, what they predict, and every Shapley value and interaction index that follows from them."""
