"""The schema, configs that are read with it, and a folder with what they may name."""

import os

import pytest
import yaml
from config_cases import MODEL

from shapsketch.settings.config import check_config, check_names
from shapsketch.settings.written import read_written


@pytest.fixture(scope="session")
def schema(root):
    return yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text())


@pytest.fixture
def read(schema, tmp_path):
    """Read a config from its text, as the workflow does."""

    def read_config(text, written=True):
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        texts = [read_written(path)]
        config = check_config(yaml.safe_load(text), schema, texts if written else [])
        check_names(config, files=False)
        return config

    return read_config


@pytest.fixture
def place(schema, tmp_path, monkeypatch):
    """A folder with what a config may name, and a function that checks a config there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/saved_model.pb").touch()
    (tmp_path / "one").mkdir()
    (tmp_path / "one/m.onnx").touch()
    (tmp_path / "empty").mkdir()
    for name in ("f.py", "s.fa", "m.h5"):
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")

    def check(source, queries="s.fa", database=None):
        config = yaml.safe_load(MODEL)
        config["models"]["m"]["source"] = source
        config |= {"sequences": {"s": {"path": queries}}} | ({"motifs": {"database": database}} if database else {})
        check_names(check_config(config, schema))

    return check
