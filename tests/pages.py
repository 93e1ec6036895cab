"""Pages as tests read them: as text, and in a real browser."""

from html.parser import HTMLParser


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


def click(browser, element):
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


def errors_of(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] != "INFO"]
