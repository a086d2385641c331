"""`flask upsell backtest`, and what `flask upsell status` says of readiness."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result as Typed
from flask import Flask

from flask_upsell import MemoryStore, jobs
from flask_upsell.learn.tuning import Trial, Tuned
from tests.conftest import MakeApp
from tests.learn.histories import couples, goods
from tests.web.shop import parts_of

LINES = couples(300)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(MemoryStore(goods(LINES), orders=list(LINES)))


def run(app: Flask, *arguments: str) -> Typed:
    return app.test_cli_runner().invoke(args=["upsell", *arguments])


def test_the_table_the_figures_and_the_picture(app: Flask, tmp_path: Path) -> None:
    answer = run(
        app, "backtest", "--minutes", "1", "--json", str(tmp_path / "b.json"), "--svg", str(tmp_path / "b.svg")
    )
    assert answer.exit_code == 0, answer.output
    rows = {line[:36].strip(): line[36:].split() for line in answer.stdout.splitlines() if line[36:].strip()}
    assert rows["Pairs, counted"][:3] == rows["Ours, nobody known"][:3] == ["46", "1.000", "1.000"]
    assert "tried on 46 of 46 baskets" in answer.stdout and "Trying carts" in answer.stderr
    figures = json.loads((tmp_path / "b.json").read_text())
    assert figures["cases"] == 46 and figures["complements"][0]["method"] == "popular"
    assert (tmp_path / "b.svg").read_text().startswith("<svg xmlns=")
    # It is kept as if a worker had done it.
    last = parts_of(app).desk.backtests.last()
    assert last is not None and last.result is not None and last.result.cases == 46


def test_what_was_tried_and_chosen_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Tuned({"ridge": 50.0}, (Trial("usual", 0.0, 0.4, True), Trial("ridge", 50.0, 0.5, True)))
    monkeypatch.setattr("flask_upsell.learn.backtest.tune", lambda *_, **__: found)
    answer = run(app, "backtest", "--tune", "--by", "ada")
    assert "Learned with ridge 50, and so is from now on." in answer.stdout and "0.5000  kept" in answer.stdout
    assert parts_of(app).desk.options.changed()["learning"][0] == "ada"
    monkeypatch.setattr("flask_upsell.learn.backtest.tune", lambda *_, **__: Tuned())
    assert "these stay" in run(app, "backtest", "--tune").stdout
    assert parts_of(app).desk.backtests.chosen() == Tuned()


def test_what_cannot_be_is_told(app: Flask, make_app: MakeApp, tmp_path: Path) -> None:
    wrong = run(app, "backtest", "--svg", str(tmp_path / "nowhere" / "b.svg"))
    assert wrong.exit_code == 1 and "cannot be written" in wrong.output
    assert run(app, "backtest", "--minutes", "0").exit_code == 2
    none = run(make_app(MemoryStore(goods(LINES), orders=[])), "backtest")
    assert none.exit_code == 1 and "there are no orders to try" in none.output


def test_status_says_whether_there_is_enough(app: Flask) -> None:
    assert "complements:" not in run(app, "status").stdout
    with app.app_context():
        jobs.learn("upsell")
    told = run(app, "status").stdout
    assert "  complements: enough. 300 orders have two or more products." in told
    assert "  upgrades: not enough." in told and "    Give your products categories" in told
