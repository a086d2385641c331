"""The editor of rules: every shipped rule survives the form that a browser sends; nothing that was typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from flask_upsell.adapters.audit import SQLAudit
from flask_upsell.core.offer import SENTENCES
from flask_upsell.core.rule import Rule
from flask_upsell.core.rulebook import RuleBook
from flask_upsell.desk import Desk
from flask_upsell.desk.drafts import Draft
from flask_upsell.web import drafted
from flask_upsell.web.admin.ruleform import changed, spread, typed
from tests.web.admin.conftest import Clerk, MakeClerk
from tests.web.shop import parts_of
from tests.web.test_drafted import shipped

Pairs = list[tuple[str, str]]


class Fields(HTMLParser):
    """What a browser would send of the form `rule` of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pairs: Pairs = []
        self._inside, self._select = False, ""
        self._options: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == "rule"
        mine = self._inside or given.get("form") == "rule"
        if tag == "input" and mine and "name" in given:
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.pairs.append((given["name"], given.get("value", "")))
        elif tag == "select" and mine:
            self._select, self._options = given["name"], []
        elif tag == "option" and self._select:
            self._options.append((given.get("value", ""), "selected" in given))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select:
            chosen = [value for value, picked in self._options if picked] or [self._options[0][0]]
            self.pairs.append((self._select, chosen[0]))
            self._select = ""
        elif tag == "form":
            self._inside = False


def fields(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in Fields(answer.text).pairs:
        found.setdefault(name, []).append(value)
    return found


def begin(clerk: Clerk, **given: str) -> str:
    """A draft's id."""
    answer = clerk.post("/rules/new", None, False, **given)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"].rpartition("/")[2])


def desk_of(app: Flask) -> Desk:
    offers = parts_of(app).offers
    engine = offers.ledger.engine  # type: ignore[attr-defined]
    return Desk("upsell", offers, engine, SQLAudit(engine, "upsell"))


def draft_of(app: Flask, id: str) -> Draft:
    return desk_of(app).drafts.get(id)


def press(clerk: Clerk, id: str, form: dict[str, list[str]], part: bool = False, to: str = "", **more: Any) -> Any:
    given = {name: values for name, values in form.items() if name != "csrf"}
    return clerk.post(f"/rules/{id}{to}", form.get("csrf", [""])[0], part, **{**given, **more})


def shape(value: Any) -> Any:
    """What a rule is made of, whatever it says."""
    if isinstance(value, dict):
        return tuple(sorted((key, shape(each)) for key, each in value.items()))
    return "many" if isinstance(value, list) else "one"


def test_every_shipped_rule_survives_its_form(app: Flask, clerk: MakeClerk, amount: Callable[[int, int], int]) -> None:
    """Some of each shape. Planted bug that it shows: rows of free names are read as lists."""
    emil = clerk("editor")
    rules = {shape(drafted.written("rule", rule.name, rule)): rule for rule in shipped().rules}
    assert len(rules) > 60
    for rule in list(rules.values())[:: amount(4, 1)]:
        draft = desk_of(app).drafts.begin("rule", drafted.written("rule", rule.name, rule))
        page = emil.get(f"/rules/{draft.id}")
        assert page.status_code == 200, rule.name
        form = typed(Fields(page.text).pairs)
        assert drafted.made("rule", form) == (rule, []), rule.name


def test_written_and_typed_are_the_same() -> None:
    for rule in shipped().rules:
        form = drafted.written("rule", rule.name, rule)
        assert drafted.made("rule", {**spread(form), "offer": form.get("offer")})[1] == [], rule.name


def test_conditions_are_added_moved_and_removed() -> None:
    form: dict[str, Any] = {"when": {"lines": {"category": "Tea"}}}
    form = changed(form, "add when.all", "country")
    assert form["when"] == {"all": [{"lines": {"category": "Tea"}}, {"country": {}}]}
    form = changed(form, "up when.all.1")
    assert list(form["when"]["all"][0]) == ["country"]
    form = changed(form, "add when.all", "any")
    form = changed(form, "add when.all.2.any", "group")
    assert form["when"]["all"][2] == {"any": [{"group": {}}]}
    form = changed(form, "drop when.all.0")
    assert changed(changed(form, "drop when.all.1"), "drop when.all.0") == {}
    for nonsense in ("drop when.all.9", "drop when", "add name", "up when.all.x", "add when.all", "sing", ""):
        assert changed(form, nonsense, "nothing") == form


def test_what_is_typed_twice_is_kept_and_refused() -> None:
    form = typed(
        [
            ("name", "a"),
            ("copy.0.key", "en"),
            ("copy.0.value.headline", "One"),
            ("copy.1.key", "en"),
            ("copy.1.value.headline", "Two"),
            ("copy.2.key", ""),
            ("copy.2.value.headline", ""),
            ("csrf", "x"),
            ("when.all.=list", ""),
        ]
    )
    assert form == {"name": "a", "copy": {"en": {"headline": "One"}, "en?": {"headline": "Two"}}}


def test_a_condition_that_is_not_filled_in_is_no_missing_one() -> None:
    """Planted bug that it shows: an empty condition is left out, and the rule applies to everybody."""
    made, problems = drafted.made("rule", {"name": "a", "offer": {"tag": "x"}, "when": {"country": {"is": ""}}})
    assert made is None
    assert problems[0][0][:2] == ("when", "country")


def test_a_first_rule_from_start_to_live(app: Flask, clerk: MakeClerk) -> None:
    anna = clerk("approver")
    assert "Goes well together" in anna.get("/rules/new").text
    id = begin(anna, start="goes-well-together")
    form = fields(anna.get(f"/rules/{id}"))
    form["when.all.0.lines.category"] = ["Laptops"]
    form["offer.products.products"] = ["bag", ""]
    told = press(anna, id, form, part=True)
    assert "<em>Canvas bag</em>" in told.text
    assert "It is shown." in told.text
    assert "upsell-slot" in told.text
    answer = press(anna, id, fields(anna.get(f"/rules/{id}")), to="/publish")
    assert answer.status_code == 303, answer.text
    live = parts_of(app).offers.shelf.read(()).rules.book.rules
    assert [rule.name for rule in live] == ["goes-well-together"]
    assert "goes-well-together is live." in anna.get("/rules").text


def test_what_is_not_finished_is_told_at_its_field_and_not_live(app: Flask, clerk: MakeClerk) -> None:
    anna = clerk("approver")
    id = begin(anna, start="seasonal-treat")
    form = fields(anna.get(f"/rules/{id}"))
    form["discount.percent"] = ["150"]
    form["when.all.0.lines.category"] = ["Tea"]
    answer = press(anna, id, form, to="/publish")
    assert answer.status_code == 422
    assert re.search(r'name="discount.percent"[^>]*value="150"[^>]*aria-invalid', answer.text)
    assert "more than 100 percent" in answer.text
    assert parts_of(app).offers.rules.load() == RuleBook()


def test_two_at_once_see_both_and_lose_nothing(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: whoever saves last wins, whatever the other one wrote."""
    emil, olga = clerk("editor", "emil"), clerk("owner", "olga")
    id = begin(emil, start="goes-well-together")
    his, hers = fields(emil.get(f"/rules/{id}")), fields(olga.get(f"/rules/{id}"))
    his["label"], hers["label"] = ["His words"], ["Her words"]
    assert press(olga, id, hers, part=True).status_code == 200
    answer = press(emil, id, his, part=True)
    assert answer.status_code == 409
    assert "olga saved this draft first." in answer.text
    assert "His words" in answer.text
    assert "Her words" in answer.text
    assert draft_of(app, id).written["label"] == "Her words"
    kept = press(emil, id, his, over=str(draft_of(app, id).version))
    assert kept.status_code == 303
    assert draft_of(app, id).written["label"] == "His words"


def test_a_page_may_save_again_before_it_heard_of_its_last_saving(app: Flask, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    id = begin(emil, start="upgrade")
    form = fields(emil.get(f"/rules/{id}"))
    for words in ("a", "b", "c"):
        form["label"] = [words]
        assert press(emil, id, form, part=True).status_code == 200
    assert draft_of(app, id).written["label"] == "c"


def test_steps_back_and_forth(app: Flask, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    id = begin(emil, start="upgrade")
    for words in ("one", "two"):
        form = fields(emil.get(f"/rules/{id}"))
        form["label"] = [words]
        press(emil, id, form)

    def go(do: str) -> object:
        press(emil, id, fields(emil.get(f"/rules/{id}")), do=do)
        return draft_of(app, id).written.get("label")

    assert [go(do) for do in ("undo", "undo", "undo", "redo", "redo", "redo")] == [
        "one",
        None,
        None,
        "one",
        "two",
        "two",
    ]


def test_a_draft_that_is_gone_is_begun_anew(app: Flask, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    id = begin(emil, start="upgrade")
    form = fields(emil.get(f"/rules/{id}"))
    form["label"] = ["Much work"]
    emil.post(f"/rules/{id}/drop")
    answer = press(emil, id, form)
    other = answer.headers["Location"].rpartition("/")[2]
    assert other != id
    assert draft_of(app, other).written["label"] == "Much work"


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"look.cart": "lonely"}, "This cart does not meet its conditions; it asks that the cart has any Laptops."),
        ({"look.cart": "2 x laptop"}, "2 \N{MULTIPLICATION SIGN} Laptop"),
        ({"look.cart": "nowhere"}, "is not known"),
        ({"look.at": "nonsense"}, "no local date and time"),
        ({"look.zone": "Mars"}, "is no time zone"),
        ({"look.placement": "checkout"}, "It is for other pages: cart."),
        ({"look.language": "de"}, 'lang="de"'),
    ],
)
def test_the_preview_is_what_shoppers_would_see(app: Flask, clerk: MakeClerk, look: dict[str, str], words: str) -> None:
    rule = {
        "name": "bags",
        "placements": ["cart"],
        "when": {"lines": {"category": "Laptops"}},
        "offer": {"products": "bag"},
    }
    made, _ = drafted.made("rule", rule)
    assert isinstance(made, Rule)
    offers = parts_of(app).offers
    offers.rules.save(RuleBook(rules=(made,)), offers.clock())
    offers.publish_rules()
    emil = clerk("editor")
    id = begin(emil, origin="bags")
    answer = emil.client.get(f"/upsell/admin/rules/{id}/preview", query_string=look, headers=emil.headers)
    assert answer.status_code == 200
    assert words in re.sub(r"&#39;", "'", answer.text)


HALF = {
    "discount.off": "percent",
    "discount.percent": "50",
    "discount.floor.price": "30.00 EUR",
    "offer.from": "products",
}
LOWER = "Canvas bag It is not offered like this: its discount would go below the rule's floor. €59.00 €29.50 €30.00"


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"discount.off": ""}, ""),
        ({**HALF, "discount.percent": "15x"}, "As soon as the discount is finished"),
        (HALF, LOWER),
        ({**HALF, "discount.percent": "40"}, "Canvas bag €59.00 €35.40 €30.00"),
        ({**HALF, "sample": "laptop"}, "Laptop €649.00 €324.50 €30.00"),
        ({**HALF, "sample": "nowhere"}, "Choose a product"),
        ({**HALF, "discount.floor.price": ""}, "Canvas bag €59.00 €29.50 no floor"),
    ],
)
def test_what_products_would_cost_is_seen_as_it_is_typed(
    app: Flask, clerk: MakeClerk, given: dict[str, str], words: str
) -> None:
    emil = clerk("editor")
    id = begin(emil, start="goes-well-together")
    before = draft_of(app, id)
    form = {"name": "a", "offer.products.products": "bag", "offer.products.kind": "complement", **given}
    answer = emil.post(f"/rules/{id}/floor", None, True, **form)
    assert answer.status_code == 200
    assert words in text(answer.text) if words else answer.text.strip() == ""
    assert "style=" not in answer.text
    assert draft_of(app, id) == before, "nothing is saved"


def test_the_page_has_the_prices_from_the_start(app: Flask, clerk: MakeClerk) -> None:
    emil = clerk("editor")
    draft = desk_of(app).drafts.begin(
        "rule",
        {"name": "a", "offer": {"products": "bag"}, "discount": {"percent": "10", "floor": {"price": "50.00 EUR"}}},
    )
    page = emil.get(f"/rules/{draft.id}").text
    assert 'aria-label="Canvas bag: €59.00, with the discount €53.10, never below €50.00."' in page
    italian = emil.get(f"/rules/{draft.id}", **{"Accept-Language": "it"}).text
    assert "mai sotto 50,00" in italian


def test_why_something_was_left_out_is_in_the_language_of_the_page(app: Flask, clerk: MakeClerk) -> None:
    """Planted bug that it shows: the engine's English is printed."""
    emil = clerk("editor")
    draft = desk_of(app).drafts.begin("rule", {"name": "a", "offer": {"products": ["bag", "laptop"]}})
    where = f"/upsell/admin/rules/{draft.id}/preview"
    told = {}
    for language in ("en", "it"):
        headers = {**emil.headers, "Accept-Language": language}
        told[language] = text(emil.client.get(where, query_string={"look.cart": "laptop"}, headers=headers).text)
    assert "Laptop: it is in the cart already" in told["en"]
    assert "Laptop: è già nel carrello" in told["it"]
    assert not [each.words for each in SENTENCES.values() if each.words in told["it"]]
