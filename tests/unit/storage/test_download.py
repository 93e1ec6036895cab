"""Downloads from a real HTTP server on this machine that misbehaves in every way a server can."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shapsketch.settings.errors import InputError
from shapsketch.settings.sources import Download
from shapsketch.storage.download import download

DATA = bytes(range(256)) * 800  # 204,800 bytes
SUM = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        offset = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        server.asked.append((self.path, offset))
        number = sum(path == self.path for path, _ in server.asked)
        getattr(self, "get_" + self.path.split("/")[-2].replace("-", "_"))(offset, number)

    def give(self, data, offset=0, length=None, status=None, total=None):
        total = len(data) if total is None else total
        self.send_response(status or (206 if offset else 200))
        self.send_header("Content-Length", str(len(data) - offset if length is None else length))
        if offset:
            self.send_header("Content-Range", f"bytes {offset}-{total - 1}/{total}")
        self.end_headers()
        self.wfile.write(data[offset:])

    def get_good(self, offset, number):
        self.give(DATA, offset)

    def get_missing(self, offset, number):
        self.send_error(404)

    def get_moved(self, offset, number):
        self.send_response(302)
        self.send_header("Location", "/good/m.bin")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def cut(self, offset, stop):
        self.give(DATA[:stop], offset, length=len(DATA) - offset, total=len(DATA))
        self.close_connection = True

    def get_cut(self, offset, number):
        """Every connection breaks off after a third."""
        self.cut(offset, min(offset + 70_000, len(DATA)))

    def get_cut_then_other(self, offset, number):
        """The file changes between two connections, and then stays."""
        if number == 1:
            self.cut(0, 100_000)
        else:
            other = bytes(len(DATA)) if number == 2 else DATA
            self.give(other, offset)

    def get_cut_no_range(self, offset, number):
        """A server that knows no ranges: every answer is the whole file."""
        self.cut(0, 50_000) if number == 1 else self.give(DATA)

    def get_busy(self, offset, number):
        self.send_error(503) if number < 3 else self.give(DATA, offset)

    def get_down(self, offset, number):
        self.send_error(500)

    def get_slow(self, offset, number):
        """A few bytes at a time; slow, but alive."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        for start in range(0, len(DATA), 20_480):
            self.wfile.write(DATA[start : start + 20_480])
            self.wfile.flush()
            time.sleep(0.05)

    def get_stalled(self, offset, number):
        """The first connection falls silent in the middle."""
        if number > 1:
            self.give(DATA, offset)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA[:60_000])
        self.wfile.flush()
        self.server.released.wait(20)
        self.close_connection = True

    def get_endless(self, offset, number):
        """No length, and more bytes than there should be."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(DATA * 2)
        self.close_connection = True

    def get_short(self, offset, number):
        """No length, and fewer bytes than there should be."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(DATA[:1000])
        self.close_connection = True

    def get_wrong(self, offset, number):
        self.give(DATA[:-1] + b"x", offset)

    def log_message(self, *arguments):
        pass


class Proxy(Handler):
    def do_GET(self):
        self.server.asked.append((self.path, 0))
        self.give(DATA)


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.asked, server.released = [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = serve(Handler)
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def wanted(server, *ways, sha256=SUM, size=None):
    return Download("m.bin", tuple(f"{server.url}/{way}/m.bin" for way in ways), sha256, size)


def fetch(folder, asked, **settings):
    path = folder / "models/m.bin"
    download(asked, path, **{"pause": 0.01, "timeout": 0.4, **settings})
    assert path.read_bytes() == DATA
    assert [p.name for p in path.parent.iterdir()] == ["m.bin"]


def fails(folder, asked, message, **settings):
    with pytest.raises(InputError, match=message) as caught:
        download(asked, folder / "models/m.bin", **{"pause": 0.01, "timeout": 0.4, **settings})
    assert "\n" not in str(caught.value)
    assert not (folder / "models/m.bin").exists()


@pytest.mark.parametrize(
    ("way", "connections"),
    [("good", 1), ("moved", 2), ("slow", 1), ("busy", 3), ("cut-no-range", 2), ("stalled", 2), ("cut", 3)],
)
@pytest.mark.parametrize("size", [None, len(DATA)])
def test_what_comes_right_in_the_end(server, tmp_path, way, connections, size):
    received = []
    fetch(tmp_path, wanted(server, way, size=size), progress=received.append)
    assert len(server.asked) == connections
    if way != "cut-no-range":
        assert sum(received) == len(DATA)  # nothing was sent twice


def test_a_transfer_is_taken_up_where_it_stopped(server, tmp_path):
    fetch(tmp_path, wanted(server, "cut"))
    assert [offset for _, offset in server.asked] == [0, 70_000, 140_000]


def test_the_next_run_goes_on_where_the_last_one_was_killed(server, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/.m.bin.part").write_bytes(DATA[:123_456])
    fetch(tmp_path, wanted(server, "good"))
    assert [offset for _, offset in server.asked] == [123_456]


@pytest.mark.parametrize("leftover", [DATA, DATA + b"more", b"x" * 1000])
def test_a_leftover_that_is_of_no_use_is_replaced(server, tmp_path, leftover):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/.m.bin.part").write_bytes(leftover)
    fetch(tmp_path, wanted(server, "good"))
    assert len(server.asked) <= 2


def test_two_halves_of_different_files_are_never_used(server, tmp_path):
    fetch(tmp_path, wanted(server, "cut-then-other"))
    assert [offset for _, offset in server.asked] == [0, 100_000, 0]


@pytest.mark.parametrize(
    ("way", "size", "message"),
    [
        ("missing", None, r"/missing/m.bin answers 404 \(Not Found\)\."),
        ("wrong", None, f"has the SHA-256 [0-9a-f]{{64}}, but {SUM} was declared; the file was removed"),
        ("good", 5, "is 204800 bytes long, but 5 were declared"),
        ("endless", len(DATA), "gave 409600 bytes, but 204800 were declared; the file was removed"),
        ("short", len(DATA), "gave 1000 bytes, but 204800 were declared; the file was removed"),
        ("short", None, "has the SHA-256"),
    ],
)
def test_what_is_not_worth_another_attempt(server, tmp_path, way, size, message):
    fails(tmp_path, wanted(server, way, size=size), message)
    assert len(server.asked) == 1
    assert not list((tmp_path / "models").iterdir())


def test_a_server_that_stays_down(server, tmp_path):
    fails(tmp_path, wanted(server, "down"), r"answers 500 \(Internal Server Error\)")
    assert len(server.asked) == 5


def test_a_server_that_is_not_there(tmp_path, server):
    server.shutdown()
    server.server_close()
    fails(tmp_path, wanted(server, "good"), "refused")


def test_mirrors_are_tried_in_turn(server, tmp_path):
    fetch(tmp_path, wanted(server, "missing", "wrong", "down", "good"))
    assert [path.split("/")[1] for path, _ in server.asked] == ["missing", "wrong", "down", "good"]
    fails(tmp_path / "second", wanted(server, "missing", "wrong"), "answers 404 .*; .*/wrong/m.bin has the SHA-256")


def test_a_checksum_that_nobody_has_recorded(server, tmp_path):
    fails(tmp_path, wanted(server, "good", sha256=""), f"has the SHA-256 {SUM}, and no right one is recorded")


@pytest.mark.parametrize("as_address", [True, False])
def test_local_files(tmp_path, as_address):
    path = tmp_path / "fär away.bin"
    path.write_bytes(DATA)
    address = path.as_uri() if as_address else str(path)
    fetch(tmp_path, Download("m.bin", (address,), SUM, len(DATA)), offline=True)
    fails(tmp_path / "other", Download("m.bin", (address,), "0" * 64), f"has the SHA-256 {SUM}, but {'0' * 64}")
    fails(tmp_path / "none", Download("m.bin", (f"{address}.no",), SUM), "does not exist")


def test_offline(server, tmp_path):
    fails(tmp_path, wanted(server, "good"), "is not asked, because the config says offline", offline=True)
    assert not server.asked
    (tmp_path / "copy.bin").write_bytes(DATA)
    mirrors = Download("m.bin", (*wanted(server, "good").urls, str(tmp_path / "copy.bin")), SUM)
    fetch(tmp_path, mirrors, offline=True)
    assert not server.asked


def test_the_proxy_of_the_environment(server, tmp_path, monkeypatch):
    proxy = serve(Proxy)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    fetch(tmp_path, Download("m.bin", ("http://models.example/good/m.bin",), SUM))
    assert proxy.asked == [("http://models.example/good/m.bin", 0)]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "models/m.bin").unlink()
    fetch(tmp_path, wanted(server, "good"))
    assert len(proxy.asked) == len(server.asked) == 1
    proxy.shutdown()
    proxy.server_close()
