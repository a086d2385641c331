"""Import and export: what is wrong is told at its line, what would change is seen before, and nothing is half done."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_upsell.core.rule import Category, Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.core.season import Season
from flask_upsell.core.windows import Yearly
from flask_upsell.desk.imports import AT_ONCE
from flask_upsell.desk.tablefile import read
from flask_upsell.web.admin.files import LARGEST_UPLOAD
from tests.web.admin.conftest import Clerk, MakeClerk
from tests.web.shop import parts_of

PAIRS = "for,to,kind,verdict,why\nlaptop,bag,complement,approve,fits\nbag,card,,never,\n"
ORDERS = "order,date,product,quantity,price\nA1,2026-05-01,laptop,1,649.00\nA1,2026-05-01,bag,2,59.00\n"
RULES = """rules:
  - name: bags
    when: {lines: {category: Laptops}}
    offer: {category: Bags}
"""


def check(clerk: Clerk, what: str, content: str | bytes, name: str = "my.csv", **more: Any) -> TestResponse:
    given = content.encode() if isinstance(content, str) else content
    answer = clerk.post(f"/files/check/{what}", file=(io.BytesIO(given), name), **more)
    # The test client sends what is long from a file of its own, which it leaves open.
    answer.request.environ["wsgi.input"].close()
    return answer


def looked_at(clerk: Clerk, what: str, content: str | bytes, **more: str) -> tuple[str, str]:
    """(path, page) of what an upload would change."""
    answer = check(clerk, what, content, **more)
    assert answer.status_code == 303, text(answer)
    path = answer.headers["Location"].removeprefix("/upsell/admin")
    return path, clerk.get(path).text


def text(answer: TestResponse | str) -> str:
    page = answer if isinstance(answer, str) else answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


def seal(page: str) -> str:
    found = re.search(r'name="seal" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def counts(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="figure">(\d+)<', page)]


def test_pairs_are_seen_first_and_imported_once(app: Flask, clerk: MakeClerk) -> None:
    ada, desk = clerk("editor", "ada"), parts_of(app).desk
    path, page = looked_at(ada, "pairs", PAIRS)
    assert counts(page) == [2, 0, 0, 0]
    assert desk.imports._kept.decided() == {}
    answer = ada.post(path, seal=seal(page))
    assert answer.status_code == 303
    assert desk.imports._kept.decided() == {
        ("complement", "laptop", "bag"): ("approved", "fits"),
        ("never", "bag", "card"): ("rejected", ""),
    }
    assert [(each.what, each.who) for each in desk.audit.history(most=2)] == [("verdict changed", "ada")] * 2
    assert ada.post(path, seal=seal(page)).status_code == 422
    assert counts(looked_at(ada, "pairs", PAIRS)[1]) == [0, 0, 0, 2]


def test_what_was_changed_meanwhile_is_shown_again(app: Flask, clerk: MakeClerk) -> None:
    ada, bob = clerk("editor", "ada"), clerk("editor", "bob")
    path, page = looked_at(ada, "pairs", PAIRS)
    other, others = looked_at(bob, "pairs", "for,to,verdict\nlaptop,bag,reject\n")
    assert bob.post(other, seal=seal(others)).status_code == 303
    answer = ada.post(path, seal=seal(page))
    assert answer.status_code == 409 and "changed since you looked" in text(answer)
    assert counts(answer.text) == [1, 1, 0, 0]
    assert ada.post(path, seal=seal(answer.text)).status_code == 303


def test_an_upload_is_its_persons_own(clerk: MakeClerk) -> None:
    """Planted bug that it shows: an id is enough."""
    path, page = looked_at(clerk("editor", "ada"), "pairs", PAIRS)
    bob = clerk("owner", "bob")
    assert bob.get(path).status_code == 422
    assert bob.post(path, seal=seal(page)).status_code == 422


def test_orders_take_an_approver_and_are_learned_from(app: Flask, clerk: MakeClerk) -> None:
    emil, anna, desk = clerk("editor", "emil"), clerk("approver", "anna"), parts_of(app).desk
    with app.app_context():
        desk.offers.publish()
    assert "takes the role approver" in text(looked_at(emil, "orders", ORDERS)[1])
    path, page = looked_at(anna, "orders", ORDERS + "A2,2026-05-02,nothing,1,1\n")
    assert "1 product is not in the published catalogue" in text(page) and "nothing line 4" in text(page)
    orders = path.replace("/import/", "/orders/")
    assert emil.post(orders, seal=seal(page)).status_code == 403
    assert anna.post(path, seal=seal(page)).status_code == 422
    assert anna.post(orders, seal=seal(page)).status_code == 303
    assert (desk.imports.imported().orders, desk.imports.imported().lines) == (2, 3)
    assert "2 imported orders with 3 lines" in text(anna.get("/files"))
    assert anna.post("/files/forget").status_code == 303
    assert desk.imports.imported().lines == 0


def test_many_orders_are_a_workers(app: Flask, clerk: MakeClerk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    offers, anna = parts_of(app).offers, clerk("approver")

    def enqueue(*given: str, patient: bool) -> str:
        asked.append(given)
        return "1"

    monkeypatch.setattr(offers.queue, "enqueue", enqueue)
    lines = "".join(f"A{n},2026-05-01,bag,1,1\n" for n in range(AT_ONCE + 1))
    path, page = looked_at(anna, "orders", "order,date,product,quantity,price\n" + lines)
    assert anna.post(path.replace("/import/", "/orders/"), seal=seal(page)).status_code == 303
    ((job, upload, run),) = asked
    assert job == "import_orders" and "wait for a worker" in text(anna.get("/files"))
    assert "is being imported" in text(anna.get(path).text)
    parts_of(app).desk.imports.run_orders(upload, run)
    assert "5,001 orders with 5,001 lines" in unescape(re.sub(r"<[^>]+>", " ", anna.get("/files/progress").text))
    assert parts_of(app).desk.imports.run_orders(upload, run) == {}
    assert parts_of(app).desk.imports.imported().lines == AT_ONCE + 1


def test_rules_become_drafts(app: Flask, clerk: MakeClerk) -> None:
    offers, desk, ada = parts_of(app).offers, parts_of(app).desk, clerk("editor", "ada")
    live = RuleBook(rules=(Rule(name="bags", offer=Category(name="Socks")), Rule(name="old", offer=Category(name="X"))))
    offers.rules.save(live, datetime.now(UTC))
    path, page = looked_at(ada, "rules", RULES)
    assert counts(page) == [0, 1, 0, 0] and "Socks" in page
    path, page = looked_at(ada, "rules", RULES, replace="1")
    assert counts(page) == [0, 1, 1, 0]
    assert ada.post(path, seal=seal(page)).status_code == 303
    assert offers.rules.load() == live
    assert {(draft.kind, draft.origin, draft.action) for draft in desk.drafts.all()} == {
        ("rule", "bags", "put"),
        ("rule", "old", "remove"),
    }
    # The same again is there already; another one stands in the way of a draft.
    assert counts(looked_at(ada, "rules", RULES)[1]) == [0, 0, 0, 1]
    path, page = looked_at(ada, "rules", RULES.replace("Bags", "Cards"))
    assert "ada is changing it already" in text(page) and "seal" not in page
    assert ada.post(path, seal="").status_code == 409
    assert len(desk.drafts.all()) == 2


LADDERS = "ladder,step,product\nphones,2,laptop\nphones,1,bag\n"
GOODS_FILE = (
    "product_id,title,price,category,tags,image\nshoe,Shoe,59.90,Shoes,summer;new,/shoe.png\nlace,Lace,2.50,,,\n"
)


def test_ladders_become_drafts(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: a file of ladders takes the rules away."""
    offers, desk, ada = parts_of(app).offers, parts_of(app).desk, clerk("editor", "ada")
    live = RuleBook(
        rules=(Rule(name="bags", offer=Category(name="Bags")),),
        ladders={"phones": ("laptop", "bag"), "old": ("bag", "laptop")},
    )
    offers.rules.save(live, datetime.now(UTC))
    path, page = looked_at(ada, "ladders", LADDERS)
    assert counts(page) == [0, 1, 0, 0]
    path, page = looked_at(ada, "ladders", LADDERS, replace="1")
    assert counts(page) == [0, 1, 1, 0]
    assert ada.post(path, seal=seal(page)).status_code == 303
    assert offers.rules.load() == live
    assert {(draft.kind, draft.origin, draft.action, *draft.written["steps"]) for draft in desk.drafts.all()} == {
        ("ladder", "phones", "put", "bag", "laptop"),
        ("ladder", "old", "remove", "bag", "laptop"),
    }


def test_products_are_published_beside_the_stores_own(app: Flask, clerk: MakeClerk) -> None:
    """What a file does not say stays as it was. Planted bugs that it shows: the file's word comes before the store's;
    a column that is not there empties what was in it."""
    offers, anna = parts_of(app).offers, clerk("approver", "anna")
    path, page = looked_at(anna, "products", GOODS_FILE + "bag,Not our bag,1,,,\n")
    assert counts(page) == [3, 0, 0, 0] and "Prices are in EUR." in text(page)
    put = path.replace("/import/", "/products/")
    assert clerk("editor", "anna").post(put, seal=seal(page)).status_code == 403
    assert anna.post(path, seal=seal(page)).status_code == 422
    assert anna.post(put, seal=seal(page)).status_code == 303
    assert anna.post(put, seal=seal(page)).status_code == 422
    with app.app_context():
        offers.publish()
    live = offers.shelf.read(["shoe", "lace", "bag"]).products
    assert (live["shoe"].price, live["shoe"].tags, live["lace"].category) == (5990, ("summer", "new"), None)
    assert live["bag"].title != "Not our bag"
    assert [each.ref for each in parts_of(app).desk.catalogue.search("sho")] == ["shoe"]
    path, page = looked_at(anna, "products", "sku,name,price\nshoe,Shoe,49\n", replace="1")
    assert counts(page) == [0, 1, 2, 0] and "59.90 EUR" in text(page)
    anna.post(path.replace("/import/", "/products/"), seal=seal(page))
    with app.app_context():
        offers.publish()
    live = offers.shelf.read(["shoe", "lace"]).products
    assert (live["shoe"].price, live["shoe"].tags, live.get("lace")) == (4900, ("summer", "new"), None)
    assert "There is 1 imported product." in text(anna.get("/files"))
    assert anna.post("/files/forget-products").status_code == 303
    assert parts_of(app).desk.assortment.count() == 0


def test_what_is_exported_is_imported_without_a_change(app: Flask, clerk: MakeClerk) -> None:
    ada = clerk("editor", "ada")
    path, page = looked_at(ada, "pairs", PAIRS.replace("fits", "=1+1"))
    ada.post(path, seal=seal(page))
    offers = parts_of(app).offers
    ladders: dict[str, tuple[str, ...]] = {"=1+1": ("laptop", "-bag", "card")}
    offers.rules.save(
        RuleBook(rules=(Rule(name="bags", offer=Category(name="Bags")),), ladders=ladders), datetime.now(UTC)
    )
    for name in ("pairs.csv", "pairs.yaml", "rules.yaml", "rules.csv", "ladders.csv", "ladders.yaml"):
        answer = clerk("viewer").get(f"/files/{name}")
        stem, ending = name.split(".")
        today = datetime.now(UTC).date()
        assert answer.headers["Content-Disposition"] == f'attachment; filename="upsell-{stem}-{today}.{ending}"'
        found = counts(looked_at(ada, stem, answer.data)[1])
        assert found[:3] == [0, 0, 0] and found[3] >= 1
    assert b"'=1+1" in clerk("viewer").get("/files/pairs.csv").data
    assert b"'=1+1,2,'-bag" in clerk("viewer").get("/files/ladders.csv").data
    assert read(clerk("viewer").get("/files/results.csv").data).columns[0] == "placement"


@pytest.mark.parametrize(
    ("what", "content", "words"),
    [
        ("pairs", b"", "The file is empty"),
        ("pairs", b"%PDF-1.7", "save it as CSV"),
        ("pairs", b"a,b\n1,2\n", "There is no column antecedent, consequent, verdict"),
        ("pairs", b'for,to,verdict\na,"b,x\n', "line 2: A quotation mark opens here"),
        ("pairs", b"for,to,verdict\na,b,maybe\n", "2 verdict maybe is no verdict"),
        ("pairs", b"for,to,verdict\na,b,no\na,b,yes\n", "3 verdict Line 2 says something else"),
        ("pairs", "for,to,verdict\nä,b,no\n".encode() + b"\xe4,b,no\n", "line 3: Byte 1 of this line"),
        ("orders", b"order,date,product\n1,yesterday,x\n", "2 date yesterday is no date"),
        ("orders", b"order,date,product\n", "There is no order in it"),
        ("orders", b"order,date,product,qty\n1,2026-01-01,x,=1+1\n", "=1+1 is no number"),
        ("ladders", b"ladder,product\n", "There is no ladder in it"),
        ("ladders", b"ladder,product\na,x\n", "2 ladder a has 1 product. A ladder has 2 to 100"),
        ("ladders", b"ladder,product\na,x\na,x\n", "3 product x is in this ladder already"),
        ("ladders", b"ladder,product,step\na,x,1\na,y,1\n", "3 step Step 1 of this ladder is there twice"),
        ("ladders", b"ladder,product,step\n,x,first\n", "2 step first is no step"),
        ("ladders", b"ladder,step\na,1\n", "There is no column product"),
        ("products", b"sku,title,price\n", "There is no product in it"),
        ("products", b"sku,title,price\na,,1\n", "2 title It is empty"),
        ("products", b"sku,title,price\na,A,=1+1\n", "2 price =1+1 is no price"),
        ("products", b"sku,title,price\na,A,-1\n", "2 price -1 is no price"),
        ("products", b"sku,title,price,currency\na,A,1,XXQ\n", "2 currency XXQ is no currency"),
        ("products", b"sku,title,price,image\na,A,1,javascript:x\n", "2 image javascript:x is no address"),
        ("products", b"sku,title,price,stock\na,A,1,many\n", "2 stock many is no number of pieces"),
        ("products", b"sku,title,price,hidden\na,A,1,perhaps\n", "2 hidden perhaps is neither yes nor no"),
        ("products", b"sku,title,price\na,A,1\na,B,2\n", "3 sku Line 2 is the same product"),
        ("rules", b"rules:\n  - name: x\n    offer: {season: y}\n", "3"),
        ("rules", b"rules: [", "is no YAML"),
        ("rules", b"name,offer,offer_value\n,category,Tea\n", "2 name is needed"),
        (
            "rules",
            b"name,offer,offer_value,discont\nx,category,Tea,5\n",
            "1 discont is no column of rules; there are: name,",
        ),
        ("rules", b"offer,offer_value\ncategory,Tea\n", "There is no column name"),
        ("rules", b"name;offer;offer_value\nx;category;Tea\nx;category;Tea\n", "3 name 'x' is there already: line 2"),
        ("rules", b"name,offer,offer_value\nx,category,T\xe9\xc3\xa9\n", "line 2: Byte 13 of this line"),
        ("rules", b"name,offer,offer_value,seasons\nx,category,Tea,y\n", "2 seasons[0] there is no season 'y'"),
        ("rules", b"name,offer,offer_value,when\nx,category,Tea,colour: red\n", "2 when"),
        (
            "rules",
            b"name,offer,offer_value,more\nx,category,Tea,{name: y}\n",
            "2 more.name stands in a column of its own",
        ),
        ("rules", b"name,offer,offer_value,discount_value\nx,category,Tea,10\n", "2 discount is empty"),
        (
            "rules",
            b"name,offer,offer_value\n" + b"x,category,Tea\n" * 5001,
            "There are more than 5,000 rules",
        ),
        ("rules", b"name,offer\n" + b"x" * 4_000_000, "larger than 4 MB"),
        ("rules", b"name,offer,offer_value\n", "There is no rule"),
        ("pairs", b"pairs:\n- {for: a, to: b, verdict: maybe}\n", "2 verdict maybe is no verdict"),
        ("pairs", b"pairs:\n- {for: a, to: b, verdict: [no]}\n", "line 2: verdict is no text"),
        ("pairs", b"pairs:\n- for: a\n  to: b: c\n", "line 3: "),
        ("pairs", b"rules: []\n", "line 1: rules does not belong in here, only pairs"),
        ("pairs", b"pairs: {a: b}\n", "Write a list of pairs"),
        ("pairs", b"- a\n", "line 1: This is no pair"),
        ("ladders", b"ladders:\n  a: [x]\n", "2 ladder a has 1 product. A ladder has 2 to 100"),
        ("ladders", b"ladders:\n  a: x\n", "line 2: a is no list of products"),
        ("rules", b"\n# nothing\n", "There is no rule"),
        ("rules", b"PK\x03\x04", "save it as CSV"),
        ("rules", b"x" * 1_000_001, "larger than 1 MB"),
        ("nothing", b"x", "Import"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(app: Flask, clerk: MakeClerk, what: str, content: bytes, words: str) -> None:
    answer = check(clerk("owner"), what, content)
    assert answer.status_code == 422 and words in text(answer), text(answer)
    desk = parts_of(app).desk
    assert (desk.imports._kept.decided(), desk.drafts.all(), desk.imports.any()) == ({}, [], False)


def test_a_table_of_rules_leaves_seasons_and_ladders_as_they_are(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: what a table does not have, which is all but rules, is taken away."""
    offers, desk, ada = parts_of(app).offers, parts_of(app).desk, clerk("editor", "ada")
    live = RuleBook(
        rules=(Rule(name="bags", offer=Category(name="Socks")), Rule(name="old", offer=Category(name="X"))),
        seasons=(Season(name="spring", yearly=(Yearly(start="03-01", end="05-31"),)),),
        ladders={"phones": ("laptop", "bag")},
    )
    offers.rules.save(live, datetime.now(UTC))
    table = 'name,seasons,offer,offer_value,discount,discount_value\nbags,spring,category,Bags,percent,"12,5"\n'
    assert counts(looked_at(ada, "rules", table)[1]) == [0, 1, 0, 0]
    path, page = looked_at(ada, "rules", table, replace="1")
    assert counts(page) == [0, 1, 1, 0] and "Socks" in page
    assert ada.post(path, seal=seal(page)).status_code == 303
    drafts = {draft.name: draft for draft in desk.drafts.all()}
    assert {name: draft.action for name, draft in drafts.items()} == {"bags": "put", "old": "remove"}
    assert drafts["bags"].written["discount"] == {"percent": "12.5"}


def test_a_file_beyond_the_limit_is_refused_in_words(clerk: MakeClerk) -> None:
    answer = check(clerk("owner"), "orders", b"x" * (LARGEST_UPLOAD + 1))
    assert answer.status_code == 413 and "larger than 32 MB" in text(answer)
    assert clerk().post("/files/check/pairs").status_code == 422


def test_many_problems_are_counted_and_fifty_are_listed(clerk: MakeClerk) -> None:
    answer = check(clerk("owner"), "orders", "order,date,product\n" + "1,x,y\n" * 80)
    assert "80 things are wrong" in text(answer) and "first 50 of 80" in text(answer)
    assert answer.text.count('<td class="number"') == 50
