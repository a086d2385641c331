"""`flask-upsell predict` on small exports, with a Valkey of its own."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flask_upsell.demo.cli import main

Predict = Callable[..., Result]
ORDERS = ("order_id", "customer_id", "ordered_at", "product_id", "quantity", "unit_price")
PRODUCTS = ("product_id", "title", "category", "price")
AT = "2026-04-01T12:00:00"


def write(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def asked(folder: Path, *cases: dict[str, Any]) -> None:
    (folder / "cases.jsonl").write_text(
        "".join(json.dumps({"at": AT, "customer_id": None, **each}) + "\n" for each in cases)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """400 orders; whoever buys tea mostly buys a cup, and "ann" film again and again; mugs come in two qualities."""
    chance, noise = random.Random(3), [f"n{number}" for number in range(40)]
    rows: list[tuple[object, ...]] = []
    for number in range(400):
        at = (datetime(2026, 1, 1) + timedelta(hours=5 * number)).isoformat(" ")
        refs = set(chance.sample(noise, 2))
        refs |= {"tea", "cup"} if number % 4 == 0 else set()
        refs |= {"film"} if number % 20 == 1 else set()
        refs |= {chance.choice(["mug", "better-mug"])} if number % 5 == 2 else set()
        who = "ann" if number % 20 == 1 else f"k{chance.randrange(30)}" if number % 3 else ""
        rows += [(f"o{number}", who, at, ref, 1, "5.00") for ref in sorted(refs)]
    write(tmp_path / "orders.csv", ORDERS, rows)
    goods = [(ref, f"The {ref}", "", "5.00") for ref in ["tea", "cup", "film", *noise]]
    goods += [("mug", "Mug", "Mugs", "5.00"), ("better-mug", "Better mug", "Mugs", "6.00")]
    write(tmp_path / "products.csv", PRODUCTS, goods)
    asked(tmp_path, {"case": "1", "cart": ["tea"]})
    return tmp_path


@pytest.fixture
def predict(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Predict]:
    """The command, in this process with a folder for what is temporary, whose name leaves room for that of a socket."""
    temp = Path(tempfile.mkdtemp(prefix="p"))
    monkeypatch.setenv("TMPDIR", str(temp))
    monkeypatch.setattr(tempfile, "tempdir", str(temp))

    def run(*more: str, **files: str) -> Result:
        named = {name: str(folder / f"{name}.csv") for name in ("orders", "products")}
        named |= {name: str(folder / f"{name}.jsonl") for name in ("cases", "out")}
        options = [part for name, path in (named | files).items() for part in (f"--{name}", path)]
        done = CliRunner().invoke(main, ["predict", *options, *more])
        left = servers(temp)
        for pid in left:
            os.kill(pid, signal.SIGTERM)
        assert left == [], "no Valkey is left running"
        assert list(temp.iterdir()) == [], "nor a folder"
        assert not list(folder.glob("*.part"))
        return done

    yield run
    shutil.rmtree(temp, ignore_errors=True)


def servers(folder: Path) -> list[int]:
    """Processes with this folder in their command line."""
    wanted, found = str(folder).encode(), []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def answers(folder: Path) -> list[tuple[str, list[str]]]:
    lines = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    return [(line["case"], line["products"]) for line in lines]


def test_one_answer_a_case_in_their_order(folder: Path, predict: Predict) -> None:
    """Planted bug that it shows: the worker's connection left open, by which Valkey thinks that somebody needs it."""
    asked(
        folder,
        {"case": "9", "cart": ["tea"]},
        {"case": "unknown", "cart": ["nowhere"]},
        {"case": "some", "cart": ["nowhere", "tea", "tea"], "customer_id": "nobody"},
        {"case": "empty", "cart": []},
        {"case": "film", "cart": ["n1"], "customer_id": "ann"},
        {"case": "ü", "cart": ["n1", "n2"], "at": "1.4.2026 12:00"},
    )
    done = predict()
    assert done.exit_code == 0, done.stderr
    found = answers(folder)
    assert [case for case, _ in found] == ["9", "unknown", "some", "empty", "film", "ü"]
    by = dict(found)
    assert by["9"][0] == by["some"][0] == "cup"
    assert (by["unknown"], by["empty"]) == ([], [])
    assert by["film"][0] == "film"
    for case, cart in (("9", {"tea"}), ("ü", {"n1", "n2"}), ("film", {"n1"})):
        assert len(by[case]) == len(set(by[case])) == 10 and cart.isdisjoint(by[case])
    assert "answered: 6 cases" in done.stderr and done.stdout == ""


def test_upgrades_are_dearer_products_of_the_same_kind(folder: Path, predict: Predict) -> None:
    asked(folder, {"case": "1", "cart": ["mug"]}, {"case": "2", "cart": ["better-mug"]})
    done = predict("--kind", "upgrade")
    assert done.exit_code == 0, done.stderr
    assert dict(answers(folder))["2"] == [], "nothing is dearer"


def test_bad_rows_are_counted(folder: Path, predict: Predict) -> None:
    with (folder / "orders.csv").open("a") as file:
        file.write("x,,2026-01-01,tea,-1,5.00\nx,,2026-01-01,tea,many,5.00\nx,,some day,tea,1,5.00\n")
    with (folder / "products.csv").open("a") as file:
        file.write("tea,Tea,,5.00\npot,Pot,,cheap\n,Nameless,,5.00\n")
    done = predict()
    assert done.exit_code == 0, done.stderr
    for reason in (
        "order line: quantity: is negative", "order line: quantity: is not a number", "order line: ordered_at: is not",
        "product: product_id: is listed twice", "product: price: is empty", "product: product_id: is empty",
    ):  # fmt: skip
        assert f"1 not used: {reason}" in done.stderr
    assert answers(folder)[0][1][0] == "cup"


def test_no_cases_are_no_answers(folder: Path, predict: Predict) -> None:
    (folder / "cases.jsonl").write_text("\n \n")
    assert predict().exit_code == 0
    assert answers(folder) == []


def test_an_export_without_orders_answers_nothing(folder: Path, predict: Predict) -> None:
    write(folder / "orders.csv", ORDERS, [])
    done = predict()
    assert done.exit_code == 0, done.stderr
    assert answers(folder) == [("1", [])]


BAD: dict[str, tuple[str, str | None, str]] = {
    "no orders": ("orders.csv", None, "orders.csv: there is no such file; it needs the columns order_id"),
    "no products": ("products.csv", None, "products.csv: there is no such file"),
    "no cases": ("cases.jsonl", None, "cases.jsonl: there is no such file"),
    "a column": ("orders.csv", "order_id,product_id\n1,2\n", "column customer_id, ordered_at, quantity, unit_price is"),
    "no JSON": ("cases.jsonl", '{"case": "1", "cart": [], "at": "2026-01-01"}\n{"case"\n', "cases.jsonl, line 2: "),
    "no cart": ("cases.jsonl", '{"case": "1", "at": "2026-01-01"}\n', "line 1: Object missing required field `cart`"),
    "no time": ("cases.jsonl", '{"case": "1", "cart": [], "at": "soon"}\n', "line 1: ordered_at: is not a time"),
    "twice": ("cases.jsonl", '{"case": "1", "cart": [], "at": "2026-01-01"}\n' * 2, "line 2: case '1' is there twice"),
    "no UTF-8": ("cases.jsonl", '{"case": "1", "cart": ["\udce4"], "at": "2026-01-01"}\n', "cases.jsonl, line 1: "),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_named_and_an_earlier_answer_stays(folder: Path, predict: Predict, name: str) -> None:
    file, text, told = BAD[name]
    (folder / "out.jsonl").write_text("earlier")
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text, encoding="utf-8", errors="surrogateescape")
    done = predict()
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    assert "Error: " in done.stderr and told in done.stderr
    assert (folder / "out.jsonl").read_text() == "earlier"


def test_where_nothing_can_be_written_is_said_before_anything_is_learned(folder: Path, predict: Predict) -> None:
    for out in (folder / "nowhere" / "out.jsonl", folder):
        done = predict(out=str(out))
        assert done.exit_code == 1 and "cannot be written" in done.stderr
        assert "Reading" not in done.stderr


def test_a_line_separator_in_a_case_is_no_end_of_a_line(folder: Path, predict: Predict) -> None:
    (folder / "cases.jsonl").write_text(
        json.dumps({"case": "a\u2028b\x85", "cart": ["tea"], "at": AT}, ensure_ascii=False), encoding="utf-8"
    )
    done = predict()
    assert done.exit_code == 0, done.stderr
    assert answers_of(folder) == ["a\u2028b\x85"]


def answers_of(folder: Path) -> list[str]:
    lines = (folder / "out.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line)["case"] for line in lines if line]
