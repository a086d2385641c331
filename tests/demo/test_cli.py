"""`flask-upsell demo` as it is typed: real processes, free ports, folders of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest

from tests.browser.demo import Demo, free_port, running, valkey_pid
from tests.web.markup import slot

ROOT = Path(__file__).parents[2]


def start(*options: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """A start that must fail."""
    command = [sys.executable, "-m", "tests.browser.run_demo", "demo", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


class Browser:
    """Just enough of one: cookies, pages, forms."""

    def __init__(self, url: str) -> None:
        self.url, self._opener = url, build_opener(ProxyHandler({}), HTTPCookieProcessor())

    def see(self, path: str) -> str:
        with self._opener.open(self.url + path, timeout=60) as answer:
            return str(answer.read().decode())

    def send(self, path: str, **fields: str) -> str:
        data = urlencode(fields).encode()
        request = Request(self.url + path, data=data, headers={"Sec-Fetch-Site": "same-origin"})
        with self._opener.open(request, timeout=60) as answer:
            return str(answer.read().decode())

    def add(self, slug: str) -> str:
        page = self.see(f"/product/{slug}")
        found = dict(re.findall(r'name="(csrf_token|sku)" value="([^"]+)"', page))
        return self.send("/cart/add", quantity="1", **found)


def export(folder: Path) -> Path:
    """A small shop's export: who buys jam buys bread, some rows are unusable, titles hold anything."""
    folder.mkdir()
    products = "product_id;title;category;price;stock\n"
    products += 'jam;"Jam; ""best"" 🍓";Breakfast;3.50;\nbread;Brötchen <b>;Bakery;2.20;9\n'
    products += "tea;Tea;Drinks;4.00;\nnuts;Nuts;Snacks;5.00;\nbad;Bad;;free;\n"
    orders = "order_id;customer_id;ordered_at;product_id;quantity;unit_price\n"
    for number in range(40):
        when = f"2026-10-{number % 28 + 1:02} 10:00:00"
        for ref in ("jam", "bread") if number % 2 else ("tea", "nuts")[: 1 + (number % 4 == 0)]:
            orders += f"o{number};;{when};{ref};1;2.00\n"
    orders += "c1;;2026-10-01 10:00:00;jam;-1;2.00\nc2;;2026-10-01 10:00:00;lost;1;2.00\n"
    (folder / "products.csv").write_text(products, encoding="utf-8-sig")
    (folder / "orders.csv").write_text(orders)
    return folder


def gone(pid: int, seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def alive(folder: Path) -> list[int]:
    """The processes that have this folder in their command."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def worker_of(demo: Demo) -> int:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"worker" in words and str(demo.process.pid).encode() in words:
            return int(path.parent.name)
    raise AssertionError("no worker")


def test_a_taken_port_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start("--port", str(port), "--folder", str(tmp_path / "demo"))
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr
    assert "make demo PORT=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "NaN", ""])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    done = start("--port", port, "--folder", str(tmp_path / "demo"))
    assert done.returncode == 2
    assert "Invalid value for '--port'" in done.stderr


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("nowhere", "DATA: nowhere is not a folder; it must hold orders.csv and products.csv"),
        ("a-file", "is not a folder"),
        ("empty", "products.csv: there is no such file; it needs the columns product_id, title, category, price"),
        ("half", "orders.csv: there is no such file; it needs the columns order_id"),
        ("other", "column product_id, category, price is missing; the first line has: name, title"),
    ],
)
def test_data_that_cannot_be_loaded_says_what_is_wrong(tmp_path: Path, data: str, said: str) -> None:
    (tmp_path / "a-file").write_text("")
    for name in ("empty", "half", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "half" / "products.csv").write_text("product_id,title,category,price\n")
    (tmp_path / "other" / "products.csv").write_text("name,title\n")
    given = data if data == "nowhere" else str(tmp_path / data)
    done = start("--port", str(free_port()), "--folder", str(tmp_path / "demo"), "--data", given)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_currency_that_is_none_says_so(tmp_path: Path) -> None:
    data = str(export(tmp_path / "export"))
    done = start("--port", str(free_port()), "--folder", str(tmp_path / "d"), "--data", data, "--currency", "EURO")
    assert done.returncode == 1
    assert "'EURO' is not an ISO 4217 code" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo with an export, started once."""
    base = tmp_path_factory.mktemp("export")
    with running(base / "demo", "--data", str(export(base / "my shop's export"))) as demo:
        yield demo


@pytest.mark.slow
def test_an_export_is_sold_and_recommended(shop: Demo) -> None:
    assert "Loaded 4 products and 40 orders with 70 lines" in shop.said
    assert "1 not used: order line: quantity: is negative" in shop.said
    assert "1 not used: order line: product_id: is not in products.csv" in shop.said
    rejected = (shop.folder / "rejected.csv").read_text()
    assert "c1" in rejected
    assert "free" in rejected
    browser = Browser(shop.url)
    assert "Brötchen &lt;b&gt;" in browser.see("/")
    assert browser.see("/?q=jam").count('<li class="card">') == 1
    page = browser.add("jam-best")
    found = slot(page)
    assert found.products[0] == "bread"
    text = " ".join(found.card("bread").text.split())
    assert 'Bought together in 20 of 20 orders with Jam; "best" 🍓' in text
    assert "€2.20" in text
    form = found.card("bread").forms["accept"]
    page = browser.send(form.url, **form.fields)
    assert slot(page).notice == "Added: Brötchen <b>."
    assert 'data-sku="bread"' in page


@pytest.mark.slow
def test_after_kill_9_the_next_start_is_quick_and_knows_everything(
    tmp_path: Path, figure: Callable[[str, object, str], None]
) -> None:
    """kill -9 of the web process: worker and Valkey get over it, and the second start fills and learns nothing anew."""
    first = Demo(tmp_path / "demo")
    second: Demo | None = None
    try:
        first.wait()
        browser = Browser(first.url)
        browser.add("aster-14")
        worker, valkey = worker_of(first), valkey_pid(first.folder)
        assert valkey is not None
        version = json.loads(first.get("/healthz"))["book"]["version"]
        first.kill()
        second = Demo(tmp_path / "demo", port=first.port)
        figure("seconds until the second start answers", f"{second.wait():.1f}", "10")
        assert "Loaded" not in second.said.split("is at")[1]
        assert json.loads(second.get("/healthz"))["book"]["version"] == version
        assert valkey_pid(second.folder) == valkey
        assert gone(worker)
        # The book, the cart and the worker are there.
        assert slot(browser.see("/cart")).products
        assert '"ok":true' in second.get("/healthz").replace(" ", "")
        time.sleep(3)
        second.wait()
        # What is killed meanwhile comes back by itself.
        os.kill(valkey, signal.SIGKILL)
        os.kill(worker_of(second), signal.SIGKILL)
        assert browser.see("/cart")
        until = time.monotonic() + 120
        while time.monotonic() < until and valkey_pid(second.folder) in (None, valkey):
            time.sleep(0.2)
        second.wait()
        assert valkey_pid(second.folder) not in (None, valkey)
        assert slot(browser.see("/cart")).products
        second.close()
        until = time.monotonic() + 60
        while (left := alive(tmp_path)) and time.monotonic() < until:
            time.sleep(0.2)
        assert left == []
    finally:
        first.close()
        if second is not None:
            second.close()
        for pid in alive(tmp_path):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo")
    try:
        demo.wait()
        worker, valkey = worker_of(demo), valkey_pid(demo.folder)
        assert valkey is not None
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(60) == 0  # on a busy machine
        assert "Traceback" not in demo.said
        assert gone(worker)
        assert gone(valkey)
    finally:
        demo.close()
