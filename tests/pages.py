"""Pages as tests read them: as text, and in a real browser."""

import base64
import gzip
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from shapsketch.report.packing import MISSING_INT16

SCRIPTS = Path(__file__).resolve().parent.parent / "workflow/report"


class Parser(HTMLParser):
    """Collects the scripts, the ids, the addresses and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.styles, self.addresses, self.ids, self.handlers, self.text = {}, [], [], [], [], []
        self.policy, self._open = None, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self._open = (tag, found.get("id"))
        if tag in ("script", "style"):
            (self.styles if tag == "style" else self.scripts.setdefault(found.get("id"), [])).append("")
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        self.ids += [found["id"]] if "id" in found else []
        self.addresses += [v for k, v in attributes if k in ("href", "src", "action", "data", "poster", "srcset")]
        self.handlers += [k for k, _ in attributes if k.startswith("on") or k == "style"]

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        tag, name = self._open or ("", None)
        if tag == "script":
            self.scripts[name][-1] += data
        elif tag == "style":
            self.styles[-1] += data
        else:
            self.text.append(data)


def open_page(browser, path, fragment=""):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get("about:blank")
    browser.get_log("browser")  # what others have left there
    browser.get(path.as_uri() + fragment)
    WebDriverWait(browser, 30).until(
        lambda b: b.execute_script("return document.documentElement.dataset.ready") == "yes"
    )
    return lambda selector: browser.find_elements("css selector", selector)


def call(browser, scripts, expression, *arguments):
    """Evaluate an expression of JavaScript in which some scripts of the pages are known, on a blank page."""
    browser.get("about:blank")
    texts = [(SCRIPTS / name).read_text(encoding="utf-8") for name in scripts]
    return browser.execute_script("\n".join([*texts, f"return {expression}"]), *arguments)


def click(browser, element):
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def errors_of(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] != "INFO"]


def unpack(directory, text):
    """Read a pack back, as `workflow/report/data.js` does; NaN where values are missing."""
    data = gzip.decompress(base64.b64decode(text))
    content = {}
    for name, entry in directory.items():
        start, count, kind = entry["start"], entry["count"], entry["kind"]
        if kind == "json":
            content[name] = json.loads(data[start : start + count])
        elif kind == "i2":
            planes = np.frombuffer(data, np.uint8, 2 * count, start).reshape(2, count)
            codes = np.ascontiguousarray(planes[::-1].T).view("<i2")[:, 0]
            content[name] = np.where(codes == MISSING_INT16, np.nan, codes * entry["scale"])
        elif kind == "e1":
            codes = np.frombuffer(data, np.uint8, count, start)
            content[name] = np.where(codes == 0, np.nan, (codes - 1.0) ** 2 * entry["scale"])
        else:
            content[name] = np.frombuffer(data, f"<{kind}", count, start)
    return content
