"""The process ends at each step of accepting, undoing and ordering, in turn: the cart and the ledger agree afterwards,
or the shopper presses again and they do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flask_upsell.adapters.ledger import make_engine
from flask_upsell.adapters.migrate import upgrade
from tests.faults.small_store import prepare

ROOT = Path(__file__).parents[2]
THEN = {"accept": ["again", "order", "reload"], "undo": ["again", "order"], "order": ["order"]}
JOURNEYS = [
    ("accept", "product"), ("accept", "upgrade"), ("accept", "bundle"), ("accept", "second"),
    ("undo", "product"), ("undo", "upgrade"), ("undo", "bundle"), ("order", "product"), ("order", "bundle"),
]  # fmt: skip


@pytest.fixture(scope="module")
def worker() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.faults.steps_worker"]
    made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    yield made
    made.communicate(timeout=60)


def run(worker: subprocess.Popen[str], url: str, journey: str, kind: str, most: int) -> dict[str, object]:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    prepare(url)
    job = {"url": url, "journey": journey, "kind": kind, "then": THEN[journey], "most": most}
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(json.dumps(job) + "\n")
    worker.stdin.flush()
    found: dict[str, object] = json.loads(worker.stdout.readline())
    assert found["wrong"] == [], found
    return found


@pytest.mark.soak
@pytest.mark.parametrize(("journey", "kind"), JOURNEYS)
def test_killed_at_each_step(
    worker: subprocess.Popen[str],
    fast_folder: Path,
    amount: Callable[[int, int], int],
    figure: Callable[[str, object, str], None],
    journey: str,
    kind: str,
) -> None:
    """In short at some of them. Planted bug that it shows: a grant in a transaction of its own."""
    found = run(
        worker,
        f"sqlite:///{fast_folder / 'shop.db'}",
        journey,
        kind,
        amount(28 if journey == "accept" and kind == "product" else 5, 0),
    )
    figure("steps, killed at", f"{found['steps']}, {found['tried']}", "each")


@pytest.mark.soak
@pytest.mark.parametrize(("journey", "kind"), [("accept", "product"), ("order", "product")])
def test_killed_at_some_steps_beside_a_postgresql(
    worker: subprocess.Popen[str],
    postgres: str,
    amount: Callable[[int, int], int],
    figure: Callable[[str, object, str], None],
    journey: str,
    kind: str,
) -> None:
    found = run(worker, postgres, journey, kind, amount(5, 60))
    figure("steps, killed at", f"{found['steps']}, {found['tried']}", "some")
