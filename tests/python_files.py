"""Python files that tests write."""


def write(folder, **files):
    """Write files by name: `pkg__INIT="..."` is `pkg/__init__.py`."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
