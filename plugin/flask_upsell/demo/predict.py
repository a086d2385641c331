"""`flask-upsell predict`: learn from an export of orders, publish, and answer carts through the decision of a page.

There is neither store nor rule: what comes out is what was learned. So anybody can score it against anything else.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import msgspec

from ..adapters.book import RedisShelf
from ..adapters.breaker import Breaker
from ..adapters.clients import web_client, worker_client
from ..core.context import Cart, Context, Line, Policy, Visitor
from ..core.decision import decide
from ..core.offer import Kind
from ..core.ports import OrderLine, Report
from ..core.product import Product
from ..core.taste import Habits, Learned
from ..errors import BadInput, UpsellError
from ..learn.likely import ROUGH, learn
from ..learn.mining import Mined, Mining, Parameters
from ..learn.upgrades import Steps, learn_upgrades
from ..web.cli import Bar
from . import embedded
from .loading import ORDERS, PRODUCTS, Rejected, moment_of, pieces_of, price_of, rows_of

#: How many products answer a case.
ANSWERS = 10
#: Any price: what is asked is what people buy, not what is wise to offer.
POLICY = Policy(ANSWERS, ANSWERS, 100, 0, 0, ANSWERS, 0, varied=False)

#: Nothing but what a product leads to.
UPGRADES_ALONE = msgspec.structs.replace(ROUGH, strict=True)


class Case(msgspec.Struct, frozen=True):
    """A cart at an instant; `customer_id` is None when nobody is signed in."""

    case: str
    cart: tuple[str, ...]
    at: str
    customer_id: str | None = None


@click.command()
@click.option("--orders", type=click.Path(path_type=Path), required=True, help=f"CSV: {', '.join(ORDERS)}.")
@click.option("--products", type=click.Path(path_type=Path), required=True, help=f"CSV: {', '.join(PRODUCTS)}.")
@click.option(
    "--cases", type=click.Path(path_type=Path), required=True, help="JSON lines: case, customer_id or null, at, cart."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSON lines: case, products (best first).")
@click.option("--kind", type=click.Choice(["complement", "upgrade"]), default="complement", show_default=True)
@click.option("--currency", default="EUR", show_default=True, help="ISO 4217 code of the prices.")
def predict(orders: Path, products: Path, cases: Path, out: Path, kind: str, currency: str) -> None:
    """Learn from orders and products, then say for each cart what is bought next."""
    try:
        with tempfile.TemporaryDirectory(prefix="upsell-predict-") as folder, Bar() as bar:
            asked = _cases(cases)
            rejected = Rejected(Path(folder) / "rejected.csv")
            with closing(rejected):
                answered = _predict(
                    Path(folder),
                    _lines(orders, currency, rejected, bar.show),
                    _products(products, currency, rejected, bar.show),
                    asked,
                    out,
                    Kind(kind),
                    currency,
                    bar.show,
                )
    except UpsellError as error:
        raise click.ClickException(str(error)) from None
    for reason, times in rejected.counts.most_common():
        click.echo(f"  {times:,} not used: {reason}", err=True)
    for name, figure in answered.items():
        click.echo(f"{name}: {figure}", err=True)


def _predict(
    folder: Path,
    lines: Iterator[OrderLine],
    products: Iterator[Product],
    cases: list[Case],
    out: Path,
    kind: Kind,
    currency: str,
    report: Report,
) -> dict[str, Any]:
    known: dict[str, Product] = {}

    def kept() -> Iterator[Product]:
        for product in products:
            known[product.ref] = product
            yield product

    if not out.parent.is_dir() or out.is_dir():
        raise BadInput(str(out), "cannot be written: name a file in a folder that is there")
    beside = out.with_name(out.name + ".part")
    url = embedded.attach_or_start(folder)
    web, worker = web_client(url, 1.0), worker_client(url)
    shelf = RedisShelf(web, worker, Breaker(), trust_seconds=60.0)
    try:
        with Mining(lines, kept(), Parameters(), report, evidence=False) as mined:
            if kind is Kind.UPGRADE:
                steps, figures, tastes = learn_upgrades(
                    mined.connection, report, Steps(gap_percent=POLICY.price_gap_percent)
                )
                owned = _owned(mined, {case.customer_id for case in cases})
                habits = ((name, Habits(taste=tastes.told(refs))) for name, refs in owned.items()) if tastes else ()
                report("Publishing", 0, 0)
                shelf.publish(known.values(), steps, Learned(UPGRADES_ALONE, (), habits))
            else:
                found, model, figures = learn(mined.connection, report)
                owned = {}
                report("Publishing", 0, 0)
                leads = ((found.refs[no - 1], each) for no, each in found.leads())
                shelf.publish(known.values(), leads, Learned(model, found.bought(), found.habits()))
        with beside.open("w", encoding="utf-8") as file:
            for done, case in enumerate(cases, start=1):
                answer = _answer(case, shelf, known, owned.get(case.customer_id or ""), currency)
                file.write(json.dumps({"case": case.case, "products": answer}, ensure_ascii=False) + "\n")
                if done % 100 == 0 or done == len(cases):
                    report("Answering", done, len(cases))
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
        shelf.close()
        worker.close()
        embedded.stop(folder)
        shutil.rmtree(embedded.socket_path(folder).parent, ignore_errors=True)
    return {"learned": json.dumps(figures), "answered": f"{len(cases):,} cases in {out}"}


def _owned(mined: Mined, customers: set[str | None]) -> dict[str, frozenset[str]]:
    """All that each of these customers ever bought: nobody is offered what they know already as a step up."""
    owned: dict[str, set[str]] = {}
    cursor = mined.connection.cursor()
    cursor.execute("SELECT o.customer, i.product_ref FROM owned o JOIN items i ON i.product_no = o.product_no")
    while rows := cursor.fetchmany(20_000):
        for customer, ref in rows:
            if customer in customers:
                owned.setdefault(customer, set()).add(ref)
    return {customer: frozenset(refs) for customer, refs in owned.items()}


def _answer(
    case: Case, shelf: RedisShelf, known: dict[str, Product], owned: frozenset[str] | None, currency: str
) -> list[str]:
    """The products of the offers that a page with room for ten would show."""
    refs = [ref for ref in dict.fromkeys(case.cart) if ref in known]
    lines = tuple([Line(str(place), ref, 1, known[ref].price) for place, ref in enumerate(refs)])
    visitor = Visitor(case.customer_id or "visitor", customer=case.customer_id, bought=owned)
    context = Context(
        "cart",
        Cart(currency, lines),
        lines,
        moment_of(case.at),
        visitor,
        policy=POLICY,
        known_as=case.customer_id or "",
    )
    decision = decide(context, shelf.read(refs), explain=False)
    return [offer.product.ref for offer in decision.offers]


def _cases(path: Path) -> list[Case]:
    """Raises BadInput with the line that cannot be read."""
    if not path.is_file():
        raise BadInput(str(path), "there is no such file; each of its lines is a case as JSON")
    found, decode, seen = list[Case](), msgspec.json.Decoder(Case).decode, Counter[str]()
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip():
            try:
                case = decode(line)
                moment_of(case.at)
            except (msgspec.DecodeError, UnicodeDecodeError, BadInput) as error:
                raise BadInput(f"{path}, line {number}", str(error)) from None
            seen[case.case] += 1
            if seen[case.case] > 1:
                raise BadInput(f"{path}, line {number}", f"case {case.case!r} is there twice")
            found.append(case)
    return found


def _products(path: Path, currency: str, rejected: Rejected, report: Report) -> Iterator[Product]:
    found: dict[str, Product] = {}
    for line, row in rows_of(path, PRODUCTS, "Reading products", rejected, report):
        ref = row["product_id"].strip()
        try:
            if not ref or ref in found:
                raise BadInput("product_id", "is empty" if not ref else "is listed twice; the first one counts")
            price = price_of(row["price"], "price", currency)
        except BadInput as error:
            rejected.add(path.name, line, f"product: {error}", row.values())
            continue
        title = " ".join(row["title"].split()) or ref
        found[ref] = Product(ref, title, price, currency, category=" ".join((row["category"] or "").split()) or None)
    # A title that several have does not tell them apart: a dearer one of the same title would be nothing gained.
    shared = Counter([product.title for product in found.values()])
    for product in found.values():
        several = shared[product.title] > 1
        yield msgspec.structs.replace(product, title=f"{product.title} ({product.ref})") if several else product


def _lines(path: Path, currency: str, rejected: Rejected, report: Report) -> Iterator[OrderLine]:
    for line, row in rows_of(path, ORDERS, "Reading orders", rejected, report):
        try:
            quantity, price = pieces_of(row["quantity"], row["unit_price"], currency)
            at, customer = moment_of(row["ordered_at"]), row["customer_id"].strip() or None
        except BadInput as error:
            rejected.add(path.name, line, f"order line: {error}", row.values())
            continue
        yield OrderLine(row["order_id"].strip(), row["product_id"].strip(), quantity, price, at, customer)
