"""Figures: logos, heat maps and charts, in one style."""
