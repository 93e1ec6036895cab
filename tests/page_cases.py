"""Pages of small analyses."""

import json
from pathlib import Path

from analysis import SETTINGS, SOURCES, write_analysis
from pages import Parser, unpack
from shapsketch.report.analysis import read_analysis
from shapsketch.report.page import build_page

N = 12


def build(folder, sequences, made, most_text=8_000_000, **options):
    files = write_analysis(folder, sequences, made, **options)
    analysis = read_analysis("some<model>", 'some "sequences"', files)
    path = Path(folder) / "report.html"
    path.write_text(build_page(analysis, SOURCES, SETTINGS, most_text), encoding="utf-8")
    return path


def content_of(path):
    parser = Parser(path.read_text(encoding="utf-8"))
    content = json.loads(parser.scripts["page-data"][0])
    return parser, content, unpack(content["directory"], parser.scripts["page-pack"][0].strip())
