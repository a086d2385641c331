"""Mails: in HTML and text, in the customer's language, and safe whatever a title says."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_upsell import FollowUp, Order, Product, Variant
from flask_upsell.core.context import Line
from flask_upsell.core.followup import Plan
from flask_upsell.core.offer import Decision, Kind, Offer, Quote, Reason
from flask_upsell.web.mail import Leaving, Writer, one_line
from flask_upsell.web.speech import FSI, PDI, Languages
from flask_upsell.web.tokens import Tokens
from tests.core.build import NOW

TOKENS = Tokens(("k" * 32,), "upsell", 1800)
SITE = "https://shop.example"
LAPTOP = Product("laptop", "Laptop", 64900, "EUR", url="/product/laptop")
BAG = Product("bag", "Canvas bag", 5900, "EUR", url="/product/bag", image="/picture/bag.png")
CARD = Product("card", "Memory card", 2290, "EUR", url="https://other.example/card?a=1&b=2")


BY_ORDERS = "Chosen from past orders of this store, by what you bought. Nobody paid for this place."


def offer(product: Product = BAG, base: Product | None = LAPTOP, orders: int = 412, rule: str = "") -> Offer:
    about = base.title if base else "laptop"
    reason = Reason(Kind.COMPLEMENT, 38 if orders else 0, orders, about)
    quote, line = Quote(product.currency, product.price, 1), Line("", "laptop", 1, 64900)
    return Offer("o", Kind.COMPLEMENT, product, quote, reason, line, base, 0.5, rule)


def writer(*folders: Path, site: str = SITE) -> Writer:
    return Writer(site, "/upsell", TOKENS, Languages("en", *folders))


def mail(
    app: Flask, *offers: Offer, bought: tuple[str, ...] = ("Laptop",), language: str = "", by: Writer | None = None
) -> FollowUp:
    plan, order = Plan("1001", "pseudonym", language, NOW), Order("1001", "EUR", (), "customer 42")
    decision = Decision("mail", "1.0", offers or (offer(),), ())
    with app.app_context():
        return (by or writer()).write(plan, order, bought, decision)


class Page(HTMLParser):
    """What a mail program sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def page(made: FollowUp) -> Page:
    found = Page(made.html)
    allowed = {"html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "bdi", "img", "a", "strong"}
    assert {tag for tag, _ in found.tags} <= allowed
    assert {name for _, attrs in found.tags for name in attrs} <= {
        "lang", "dir", "charset", "name", "content", "style", "src", "alt", "width", "href",
    }  # fmt: skip
    return found


def token(made: FollowUp) -> str:
    return made.unsubscribe.partition("?token=")[2]


# --- what it says ----------------------------------------------------------------------------------------------------


def test_a_mail_says_what_was_bought_and_what_goes_with_it(app: Flask) -> None:
    made = mail(app, offer(), offer(CARD, orders=0))
    assert (made.customer, made.order, made.language) == ("customer 42", "1001", "")
    assert made.subject == "Goes well with Laptop"
    assert made.text == (
        "Goes well with Laptop\n"
        "\n"
        "You bought Laptop.\n"
        "\n"
        "* Canvas bag\n"
        "  €59.00\n"
        "  https://shop.example/product/bag\n"
        "  Bought together in 38 of 412 orders with Laptop\n"
        f"  Why am I seeing this? {BY_ORDERS}\n"
        "\n"
        "* Memory card\n"
        "  €22.90\n"
        "  https://other.example/card?a=1&b=2\n"
        "  Our suggestion to go with Laptop\n"
        "  Why am I seeing this? Chosen by the people of this store to go with what you bought.\n"
        "\n"
        "You get this mail because you ordered from us. There is at most one in 30 days.\n"
        f"Unsubscribe from these mails: {made.unsubscribe}\n"
    )


def test_the_html_says_the_same(app: Flask) -> None:
    made = mail(app, offer(), offer(CARD, orders=0))
    shown = page(made)
    for words in made.text.splitlines()[:-1]:
        if "https://" not in words:
            assert words.removeprefix("* ").strip() in shown.text, words
    assert [each["href"] for each in shown.all("a")] == [
        "https://shop.example/product/bag",
        "https://other.example/card?a=1&b=2",
        made.unsubscribe,
    ]
    (picture,) = shown.all("img")
    assert (picture["src"], picture["alt"], picture["width"]) == (f"{SITE}/picture/bag.png", "Canvas bag", "120")
    assert shown.all("html") == [{"lang": "en", "dir": "ltr"}]
    assert len(shown.all("h1")) == 1
    assert len(shown.all("h2")) == 2
    assert made.html.startswith("<!doctype html>")


def test_it_leaves_colours_to_the_reader_and_hides_nothing(app: Flask) -> None:
    """Dark where mails are dark; and the last link is as plain to see as the first."""
    shown = page(mail(app))
    styles = " ".join(attrs.get("style", "") for _, attrs in shown.tags)
    assert not re.search(r"(?<!border-)(?<!-)\bcolor\s*:|background|opacity|display:\s*none|visibility", styles)
    assert {int(size) for size in re.findall(r"font-size:(\d+)px", styles)} == {16, 20, 24}
    assert {"name": "color-scheme", "content": "light dark"} in shown.all("meta")
    assert shown.all("a")[-1].keys() == {"href"}


def test_of_many_things_a_few_are_named(app: Flask) -> None:
    three = mail(app, bought=("A", "B", "C"))
    assert "You bought A, B, C.\n" in three.text
    four = mail(app, bought=("A", "B", "C", "D"))
    assert "You bought A, B, C and 1 other product.\n" in four.text
    six = mail(app, bought=tuple("ABCDEF"))
    assert "You bought A, B, C and 3 other products.\n" in six.text
    assert "You bought A, B, C and 3 other products." in page(six).text


def test_what_nobody_knows_the_name_of_is_not_named(app: Flask) -> None:
    made = mail(app, offer(base=None), bought=())
    assert made.subject == "Goes well with your order"
    assert "You bought" not in made.text + made.html


@pytest.mark.parametrize(
    ("changed", "price"),
    [
        ({"price": 1_234_500}, "€12,345.00"),
        ({"currency": "JPY", "price": 5900}, "¥5,900"),
        ({"period_months": 1}, "€59.00 per month"),
        ({"period_months": 12}, "€59.00 per year"),
        ({"period_months": 3}, "€59.00 every 3 months"),
        ({"variants": (Variant("s", "S", 5900), Variant("l", "L", 5900))}, "€59.00"),
        ({"variants": (Variant("s", "S", 6500), Variant("l", "L", 6100))}, "from €61.00"),
        ({"variants": (Variant("s", "S", 100, stock=0), Variant("l", "L", 6100, stock=1))}, "€61.00"),
        ({"variants": (Variant("s", "S", 500), Variant("l", "L", 600)), "period_months": 1}, "from €5.00 per month"),
    ],
    ids=str,
)
def test_a_price_is_what_it_costs_on_its_page(app: Flask, changed: dict[str, Any], price: str) -> None:
    given = {name: getattr(BAG, name) for name in BAG.__struct_fields__}
    made = mail(app, offer(Product(**{**given, **changed})))
    assert f"* Canvas bag\n  {price}\n" in made.text
    assert price in page(made).text


# --- languages -------------------------------------------------------------------------------------------------------

GERMAN = """
msgid ""
msgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Goes well with {title}"
msgstr "Passt zu {title}"

msgid "You bought {titles} and {n} other product."
msgid_plural "You bought {titles} and {n} other products."
msgstr[0] "Sie haben {titles} und {n} weiteres Produkt gekauft."
msgstr[1] "Sie haben {titles} und {n} weitere Produkte gekauft."

msgid "Unsubscribe from these mails"
msgstr "Diese Mails <abbestellen>"
"""
ARABIC = """
msgid ""
msgstr "Plural-Forms: nplurals=6; plural=0;\\n"

msgid "Goes well with {title}"
msgstr "يناسب {title}"
"""


def test_it_is_in_the_customers_language(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "de.po").write_text(GERMAN)
    (tmp_path / "ar.po").write_text(ARABIC)
    by = writer(tmp_path)
    german = mail(app, bought=tuple("ABCDE"), language="de-AT", by=by)
    assert (german.language, german.subject) == ("de-AT", "Passt zu Laptop")
    assert "Sie haben A, B, C und 2 weitere Produkte gekauft." in german.text
    assert "€\xa059,00" in german.text
    assert f"Diese Mails <abbestellen>: {german.unsubscribe}" in german.text
    assert "Diese Mails &lt;abbestellen&gt;" in german.html
    assert page(german).all("html") == [{"lang": "de", "dir": "ltr"}]
    arabic = mail(app, language="ar-EG", by=by)
    assert arabic.subject == f"يناسب {FSI}Laptop{PDI}"
    assert page(arabic).all("html") == [{"lang": "ar", "dir": "rtl"}]
    assert [attrs["dir"] for attrs in page(arabic).all("div")[:1]] == ["rtl"]


@pytest.mark.parametrize("language", Languages().names)
def test_it_is_whole_in_each_of_our_languages(app: Flask, language: str) -> None:
    """Red for words that are not in a catalogue, or not told as `say` and `plain` do."""
    given = (offer(), offer(CARD, orders=0), offer(Product("p", "Plan", 500, "EUR", url="/p", period_months=3)))
    english = mail(app, *given, bought=tuple("ABCDE"))
    made = mail(app, *given, bought=tuple("ABCDE"), language=language)
    assert page(made).all("html") == [{"lang": language, "dir": "rtl" if language == "ar" else "ltr"}]
    assert len(made.text.splitlines()) == len(english.text.splitlines())
    assert [tag for tag, _ in page(made).tags] == [tag for tag, _ in page(english).tags]
    if language != "en":
        same = set(made.text.splitlines()) & set(english.text.splitlines())
        assert {row for row in same if row and not re.search(r"^\* |https://|€", row)} == set()


@pytest.mark.parametrize(("language", "price"), [("nl", "€\xa059,00"), ("", "€59.00"), ("no such one", "€59.00")])
def test_without_words_in_a_language_they_are_english(app: Flask, language: str, price: str) -> None:
    made = mail(app, language=language)
    assert made.subject == "Goes well with Laptop"
    assert price in made.text
    assert page(made).all("html") == [{"lang": "en", "dir": "ltr"}]
    italian = Writer(SITE, "/upsell", TOKENS, Languages("it"))
    assert mail(app, language=language, by=italian).subject == "Da abbinare a Laptop", "the store's own, if it has one"
    if not language:
        assert "59,00\xa0€" in mail(app, language=language, by=italian).text


# --- what a title can do ---------------------------------------------------------------------------------------------

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></head><body><form action=//evil.example>",
    "{{ 7 * 7 }} {% raw %} {title} {n} {nothing} %s %(title)s",
    "<!-- --><style>*{display:none}</style>",
    "javascript:alert(1)",
    "&lt;b&gt; &amp;",
    "Bag\r\nBcc: everybody@shop.example\r\n\r\nBuy now",
    "one\ntwo\rthree\x0bfour\x0cfive\x1csix\x85seven\u2028eight\u2029nine",
    "\x00\x07\x1b[31mred\x7f\x9b",
    "\ud800 half a character",
    "* Another bag\n  €1.00\n  https://evil.example/\n",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_a_title_is_text_and_stays_in_its_line(app: Flask, nasty: str) -> None:
    """Shown red with `autoescape` off in mail.html, and with titles that are printed as they are."""
    plain = mail(app, offer(rule="r"))
    bag = Product(nasty, nasty, 5900, "EUR", url="/product/bag", image="/picture/bag.png")
    laptop = Product("laptop", nasty, 64900, "EUR")
    made = mail(app, offer(bag, laptop, rule=nasty), bought=(nasty,))
    shown, line = page(made), one_line(nasty)
    assert [tag for tag, _ in shown.tags] == [tag for tag, _ in page(plain).tags]
    assert shown.text.count(line) >= 4
    assert f"* {line}\n" in made.text
    assert len(made.text.splitlines()) == len(plain.text.splitlines())
    assert next(each["href"] for each in shown.all("a")) == "https://shop.example/product/bag"
    assert "evil" not in "".join(value for _, attrs in shown.tags for name, value in attrs.items() if name != "alt")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", made.text + made.html)
    made.text.encode()
    made.html.encode()


@pytest.mark.parametrize("nasty", NASTY)
def test_no_title_gets_into_the_headers(app: Flask, nasty: str) -> None:
    """Python's own mails refuse a line break in a header; other programs send it. Shown red with the title as it is."""
    made = mail(app, offer(base=Product("laptop", nasty, 64900, "EUR")))
    assert made.subject.isprintable()
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["To"] = made.subject, "ada@customers.example"
    for name, value in made.headers.items():
        assert value.isascii() and value.isprintable()
        message[name] = value
    message.set_content(made.text)
    message.add_alternative(made.html, subtype="html")
    head = bytes(message).partition(b"\r\n\r\n")[0].decode("ascii")
    names = {row.partition(":")[0] for row in re.sub(r"\r\n[ \t]", " ", head).split("\r\n")}
    assert names == {
        "Subject", "To", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type",
    }  # fmt: skip


def test_a_text_is_no_html(app: Flask) -> None:
    """Shown red with the text escaped: "Salt &amp; pepper"."""
    made = mail(app, offer(Product("s", "Salt & pepper <3 'n' \"more\"", 300, "EUR", url="/s")))
    assert "* Salt & pepper <3 'n' \"more\"\n" in made.text
    assert "Salt &amp; pepper &lt;3" in made.html


def test_a_long_title_is_cut(app: Flask) -> None:
    made = mail(app, offer(base=Product("laptop", "L" * 5000, 1, "EUR")), bought=("B " * 5000,))
    assert len(made.subject) < 80 and made.subject.endswith("L…")
    assert max(len(line) for line in made.text.splitlines()) < 1000


@pytest.mark.parametrize(
    ("url", "href"),
    [
        ("/p/1", f"{SITE}/p/1"),
        ("/p/ä ö?q=ü&r=1#x", f"{SITE}/p/%C3%A4%20%C3%B6?q=%C3%BC&r=1#x"),
        ("//cdn.example/1.png", "https://cdn.example/1.png"),
        ("https://other.example/1", "https://other.example/1"),
        ("http://other.example/1", "http://other.example/1"),
        ("/\\evil.example", f"{SITE}/%5Cevil.example"),
        ("/p\r\nX: y", f"{SITE}/p%0D%0AX:%20y"),
        ('/p"><b>', f"{SITE}/p%22%3E%3Cb%3E"),
        ("/p\u2028\ud800", f"{SITE}/p%E2%80%A8%3F"),
    ],
)
def test_a_link_is_absolute_and_plain(app: Flask, url: str, href: str) -> None:
    made = mail(app, offer(Product("p", "P", 1, "EUR", url=url, image=url)))
    shown = page(made)
    assert (shown.all("a")[0]["href"], shown.all("img")[0]["src"]) == (href, href)
    assert f"  {href}\n" in made.text


@pytest.mark.parametrize("image", ["", None, "data:image/png;base64,AAAA", "javascript:alert(1)", "picture.png"])
def test_what_is_no_picture_is_left_out(app: Flask, image: str | None) -> None:
    assert page(mail(app, offer(Product("p", "P", 1, "EUR", url="/p", image=image)))).all("img") == []


# --- leaving ---------------------------------------------------------------------------------------------------------


def test_the_link_names_a_pseudonym_and_not_the_customer(app: Flask) -> None:
    made = mail(app, language="de-AT")
    assert made.unsubscribe.startswith("https://shop.example/upsell/unsubscribe?token=")
    assert TOKENS.read("unsubscribe", "", token(made), Leaving) == Leaving("pseudonym", "de-AT")
    assert "42" not in re.sub(r"412|token=\S+", "", made.text + made.html)


def test_one_click_is_for_https(app: Flask) -> None:
    made = mail(app)
    assert made.headers == {
        "List-Unsubscribe": f"<{made.unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    at_home = mail(app, by=writer(site="http://127.0.0.1:5055"))
    assert at_home.headers == {"List-Unsubscribe": f"<{at_home.unsubscribe}>"}


# --- a store's own ---------------------------------------------------------------------------------------------------


def test_a_store_overrides_the_templates_by_their_names(app: Flask, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "upsell"
    own.mkdir(parents=True)
    (own / "mail.html").write_text("<p>{{ say('You bought {titles}.', titles=mail.bought[0]) }}</p>")
    (own / "mail.txt").write_text("{{ mail.subject }}   \n\n\n\n{{ mail.offers[0].url }}")
    made = mail(app, bought=("<b>",))
    assert made.html == "<p>You bought &lt;b&gt;.</p>"
    assert made.text == "Goes well with Laptop\n\nhttps://shop.example/product/bag\n"


def test_the_text_is_the_same_whatever_the_stores_jinja_does(app: Flask) -> None:
    """Some trim their blocks, some escape everything. Shown red without `autoescape false` in mail.txt."""
    nice = offer(Product("s", "Salt & pepper", 300, "EUR", url="/s?a=1&b=2"))
    before = mail(app, nice, offer(CARD), bought=("A & B", "B", "C", "D")).text
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.autoescape = True
    assert app.jinja_env.cache is not None
    app.jinja_env.cache.clear()
    after = mail(app, nice, offer(CARD), bought=("A & B", "B", "C", "D")).text
    assert re.sub("token=.*", "", after) == re.sub("token=.*", "", before)
    assert "* Salt & pepper\n" in after
