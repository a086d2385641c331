"""`flask-upsell demo`: the store at a port, with its worker, an embedded Valkey and SQLite."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from redis import Redis
from werkzeug.serving import make_server

from ..adapters.queue import RQQueue, worker_name
from ..errors import BadInput, UpsellError
from ..jobs import Parts, parts
from ..web.cli import Bar, follow
from ..web.rulefile import load
from . import embedded, journey, loading
from .app import create_app, engine_of
from .predict import predict

WORKER_SECONDS = 90
#: Seasons and rules to start with, linked from the top-level config/.
SAMPLES = Path(__file__).with_name("config")
#: How often (seconds) the demo looks whether Valkey and worker are still there.
WATCH_SECONDS = 2


@click.group()
def main() -> None:
    """Flask-Upsell: offers at a Flask store's cart and checkout."""


main.add_command(predict)


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=5055, show_default=True)
@click.option(
    "--data", default="", help="A folder with orders.csv and products.csv, or 'journey'; else the demo's own."
)
@click.option("--currency", default="", help="ISO 4217 code of the export's prices (EUR; journey: USD).")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(".upsell-demo"),
    show_default=True,
    help="Where the demo keeps its database and Valkey.",
)
def demo(port: int, data: str, currency: str, folder: Path) -> None:
    """Run the demo store; the first start fills its database and learns. Ctrl-C ends it."""
    _must_be_free(port)
    started = time.monotonic()
    try:
        here = _prepare(folder, data, currency)
        with _running(here) as app:
            _serve(app, port, started)
    except UpsellError as error:
        raise click.ClickException(str(error)) from None


def _must_be_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"port {port} is taken; choose another one: make demo PORT={port % 65535 + 1}"
            ) from None


def _prepare(base: Path, data: str, currency: str) -> Path:
    """The folder of this data set, its database filled; what was filled before is used again."""
    source = _source(data)
    name = (
        "own"
        if not data
        else data
        if data == "journey"
        else re.sub(r"[^\w.-]", "-", Path(data).resolve().name) + "-" + source["id"]
    )
    here = (base / name).resolve()
    currency = currency or ("USD" if data == "journey" else "EUR")
    wanted: dict[str, Any] = {"source": source, "schema": loading.SCHEMA, "config": {"DEMO_CURRENCY": currency}}
    if data in ("", "journey"):
        wanted["config"]["DEMO_AGREED"] = True
    if not data:
        # Free to basic is a step of 4.99: more than any share of nothing.
        wanted["config"]["UPSELL_PRICE_GAP_FLOOR"] = 500
    done = here / "shop.json"
    if done.exists() and json.loads(done.read_text()) == wanted:
        return here
    if here.exists():
        embedded.stop(here)
        shutil.rmtree(here)
    here.mkdir(parents=True)
    _fill(here, data, currency)
    # A Valkey that outlived an older folder of this name has an older book.
    Redis.from_url(embedded.attach_or_start(here)).flushall()
    done.write_text(json.dumps(wanted))
    return here


def _source(data: str) -> dict[str, Any]:
    """What the database is filled from; when an export changes, it is filled again."""
    if not data or data == "journey":
        return {"name": data, "id": ""}
    folder = Path(data).resolve()
    if not folder.is_dir():
        raise BadInput("DATA", f"{data} is not a folder; it must hold orders.csv and products.csv")
    stats = [(folder / name).stat() for name in ("orders.csv", "products.csv") if (folder / name).is_file()]
    return {
        "name": str(folder),
        "id": embedded.socket_path(folder).parent.name[-8:],
        "files": [[stat.st_size, stat.st_mtime_ns] for stat in stats],
    }


def _fill(here: Path, data: str, currency: str) -> None:
    engine = engine_of(create_app(here, DEMO_CURRENCY=currency))
    started = time.monotonic()
    rejected = loading.Rejected(here / "rejected.csv")
    with Bar() as bar:
        if not data:
            figures = loading.load_own(engine, bar.show)
        else:
            folder = Path(data)
            if data == "journey":
                folder = here / "export"
                # In a process of its own, which takes the half gigabyte that pandas needs with it when it ends.
                export = [sys.executable, "-m", journey.__name__, str(folder)]
                if subprocess.run(export, check=False).returncode:  # noqa: S603 (our own command)
                    raise UpsellError("the sample transactions could not be read; the messages are above")
            figures = loading.load_export(engine, folder, currency, rejected, bar.show)
    rejected.close()
    engine.dispose()
    click.echo(
        f"Loaded {figures['products']:,} products and {figures['orders']:,} orders with {figures['lines']:,} lines "
        f"in {time.monotonic() - started:.0f} s."
    )
    for reason, times in rejected.counts.most_common():
        click.echo(f"  {times:,} not used: {reason}")
    if rejected.counts:
        click.echo(f"  They are listed in {here / 'rejected.csv'}.")


@contextlib.contextmanager
def _running(here: Path) -> Iterator[Any]:
    """Valkey and worker there and kept there, the book published; ended together."""
    embedded.attach_or_start(here)
    app = create_app(here)
    with app.app_context():
        this = parts()
        this.migrate()
        if not _is_foreign(here) and this.offers.prices is not None:
            loading.remember_prices(this.offers.prices, this.offers.store.catalogue(), datetime.now(UTC))
    processes = [_start_worker(here)]
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(here, processes, over), daemon=True)
    try:
        _await_worker(this, processes[0])
        watch.start()
        if this.offers.shelf.published() is None:
            with app.app_context():
                _learn(this)
        if not _is_foreign(here):
            with app.app_context():
                _load_rules(this)
        yield app
    finally:
        over.set()
        processes[-1].terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            processes[-1].wait(15)
        this.close()
        embedded.stop(here)


def _is_foreign(here: Path) -> bool:
    """Whether the shop was filled from somebody's export: our own rules name products that it has not."""
    return bool(json.loads((here / "shop.json").read_text())["source"]["name"])


def _load_rules(this: Parts) -> None:
    """The demo's seasons and rules, once; what was changed since stays as it is."""
    if this.offers.rules.revision() == 0:
        this.offers.rules.save(load([SAMPLES / "seasons.yaml", SAMPLES / "rules" / "demo.yaml"]), datetime.now(UTC))
        this.offers.publish_rules()


def _start_worker(here: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        f"flask_upsell.demo.app:create_app({str(here)!r})",
        "upsell",
        "worker",
        "--exit-with",
        str(os.getpid()),
    ]
    # In a session of its own, so that Ctrl-C reaches it through us, after the web server has ended.
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603 (our own command)


def _await_worker(this: Parts, worker: subprocess.Popen[bytes]) -> None:
    queue = this.offers.queue
    assert isinstance(queue, RQQueue)
    until = time.monotonic() + WORKER_SECONDS
    while time.monotonic() < until:
        if worker.poll() is not None:
            raise UpsellError(f"the worker ended with code {worker.returncode}; its messages are above")
        with contextlib.suppress(Exception):
            # This one, not the worker of a demo that was killed a moment ago.
            if queue.hears(worker_name(worker.pid)):
                return
        time.sleep(0.1)
    raise UpsellError(f"the worker did not start within {WORKER_SECONDS} s")


def _watch(here: Path, processes: list[subprocess.Popen[bytes]], over: threading.Event) -> None:
    """Bring back what was killed."""
    while not over.wait(WATCH_SECONDS):
        try:
            embedded.attach_or_start(here)
        except UpsellError as error:
            logging.getLogger("flask_upsell").warning("%s", error)
        if processes[-1].poll() is not None and not over.is_set():
            processes.append(_start_worker(here))


def _learn(this: Parts) -> None:
    """In the worker, as it would be in a store."""
    run = uuid4().hex
    this.offers.ledger.progress(run, "learn", "queued", "Waiting for the worker", 0, 0, {})
    if this.offers.queue.enqueue("learn", run, patient=True) is None:
        raise UpsellError("Valkey does not take jobs")
    follow(this, run)


def _serve(app: Any, port: int, started: float) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, app, threaded=True)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    click.secho(
        f"The demo store is at http://127.0.0.1:{port} ({time.monotonic() - started:.0f} s). Ctrl-C ends it.", bold=True
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    server.server_close()
