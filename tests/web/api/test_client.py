"""config/api_client.py against a live server."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from flask_upsell import Role
from flask_upsell.core.rule import Category, Rule
from flask_upsell.core.rulebook import RuleBook
from tests.conftest import ROOT
from tests.web.api.conftest import PREFIX
from tests.web.shop import parts_of


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("api_client", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


client = load(ROOT / "config" / "api_client.py")


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}{PREFIX}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_client_reads_and_changes_rules(app: Flask, address: str) -> None:
    offers, machines = parts_of(app).offers, parts_of(app).desk.machines
    names = [f"rule {number}" for number in range(5)]
    offers.rules.save(
        RuleBook(rules=tuple(Rule(name=name, offer=Category(name="Bags")) for name in names)), offers.clock()
    )
    offers.publish_rules()
    api: Any = client.Api(address, machines.make("till", Role.APPROVER)[1])
    assert [each["name"] for each in api.every("/rules", limit=2)] == names
    assert api.change_rule("rule 3", most=3)["changed"] == ["rule rule 3"]
    assert api.get("/rules/rule 3")["written"]["most"] == 3
    assert api.ask("PUT", "/switch", {"on": False}, why="ein Wasserschaden im Süden").body["on"] is False
    assert api.get("/audit", what="switched")["items"][0]["why"] == "ein Wasserschaden im Süden"
    assert api.move_rule("rule 3", "before", "rule 0")["changed"]
    assert next(each["name"] for each in api.every("/rules")) == "rule 3"
    rules = api.export("rules").replace("most: 3", "most: 2")
    looked_at = api.check_import("rules", rules, name="spring.yaml")
    assert (looked_at["changed"], looked_at["unchanged"]) == (1, 4)
    assert api.get("/drafts")["items"] == []
    assert api.apply_import(looked_at) == {"done": 1, "run": None}
    assert [each["origin"] for each in api.every("/drafts")] == ["rule 3"]
    with pytest.raises(client.Problem, match=r"line 2"):
        api.check_import("pairs", "for,to,verdict\na,b,maybe\n")
    with pytest.raises(client.Problem, match=r"422.*\n  /written: Missing data"):
        api.ask("PUT", "/drafts/" + api.ask("POST", "/drafts", {"kind": "rule"}).body["id"], {}, etag="*")
    with pytest.raises(client.Problem) as told:
        client.Api(address, "upk_none", tries=1).get("/me")
    assert told.value.status == 401
    with pytest.raises(OSError, match=r"refused|timed out"):
        client.Api("http://127.0.0.1:9/", "upk_none", tries=2, seconds=1).get("/me")
