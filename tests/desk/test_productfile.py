"""Products as a table: however other programs write it."""

from __future__ import annotations

from flask_upsell.desk.productfile import MOST_WRONG, read_products


def test_a_table_is_read() -> None:
    content = (
        "SKU;Name;Preis;Kategorie;Tags;Lagerbestand;Versteckt\na1;Große Tasse;1.250,50;Küche;neu, rot;12;\nb;B;3;;;;x\n"
    )
    read, wrong = read_products(content.encode(), currency="EUR", zone="Europe/Berlin")
    assert not wrong
    assert read.products == [
        {
            "ref": "a1", "title": "Große Tasse", "price": 125_050, "currency": "EUR", "category": "Küche",
            "tags": ["neu", "rot"], "stock": 12, "hidden": False,
        },
        {
            "ref": "b", "title": "B", "price": 300, "currency": "EUR", "category": None, "tags": [], "stock": None,
            "hidden": True,
        },
    ]  # fmt: skip
    assert "Prices are in EUR." in [str(note) for note in read.notes]


def test_a_currency_has_its_own_minor_units() -> None:
    read, wrong = read_products(b"sku,title,price,currency\na,A,100,jpy\nb,B,1.5,KWD\n", currency="EUR", zone="UTC")
    assert not wrong
    assert [(each["price"], each["currency"]) for each in read.products] == [(100, "JPY"), (1500, "KWD")]


def test_many_problems_are_counted_and_some_are_listed() -> None:
    rows = "".join(f"p{n},,x\n" for n in range(MOST_WRONG))
    read, wrong = read_products(f"sku,title,price\n{rows}".encode(), currency="EUR", zone="UTC")
    assert (len(wrong), read.wrong, read.products) == (MOST_WRONG, 2 * MOST_WRONG, [])
