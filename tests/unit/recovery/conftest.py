"""How long estimators train in tests."""

import pytest

from shapsketch.recovery import networks, student_fit, train, trees


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Fewer free queries and trees: these functions are small."""
    monkeypatch.setattr(student_fit, "FREE_POINTS", 100_000)
    monkeypatch.setattr(trees, "MAX_TREES", 1_000)
    monkeypatch.setattr(student_fit, "MAX_COPIES", 2)
    monkeypatch.setattr(train, "FREE_ANSWERS", 60_000)
    monkeypatch.setattr(train, "MAX_FREE_ANSWERS", 60_000)
    monkeypatch.setattr(train, "STEPS", 3_000)


@pytest.fixture
def brief(monkeypatch):
    """Hardly any training, for tests of what holds however good a fit is."""
    monkeypatch.setattr(networks, "MIN_EPOCHS", 3)
    monkeypatch.setattr(networks, "MAX_EPOCHS", 3)
    monkeypatch.setattr(student_fit, "PERCEPTRONS", 1)
    monkeypatch.setattr(train, "FREE_ANSWERS", 10_000)
    monkeypatch.setattr(train, "MAX_FREE_ANSWERS", 10_000)
    monkeypatch.setattr(train, "STEPS", 300)
    monkeypatch.setattr(trees, "MAX_TREES", 200)
