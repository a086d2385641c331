"""The demo shop: plain routes and forms, which work without JavaScript and know of the extension only its signals.

A visitor is a signed session: `cart` (a random key, made at the first add), `orders` (the numbers of own orders),
`customer` (None for a guest) and `csrf`. The database is reached through `db()`; `app.extensions["demo_sessions"]` must
be a sessionmaker and `app.config["DEMO_CURRENCY"]` an ISO 4217 code. Routes commit, then tell: what hears a signal sees
the cart as it is stored. Only `order_placed` is sent before the commit, so that a receiver can write with the order.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, cast

from babel.numbers import format_currency, get_currency_precision
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.interfaces import ORMOption
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from flask_upsell import cart_changed, checkout_started, grant, order_placed
from flask_upsell.demo import clock, tongue
from flask_upsell.demo.models import Cart, CartLine, Order, OrderLine, Product
from flask_upsell.demo.pictures import picture
from flask_upsell.demo.shelf import biggest_categories, find_page
from flask_upsell.demo.till import (
    COUPON,
    MOST_PIECES,
    NotPlaced,
    Totals,
    add_up,
    enough,
    place,
    read_quantity,
    shortage,
)
from flask_upsell.demo.visitor import (
    cart_coupon,
    cart_key,
    cart_lines,
    close_db,
    csrf_token,
    csrf_valid,
    db,
    forget_cart_lines,
    open_cart,
)

# What others use of the shop is found in one place.
__all__ = [
    "cart_coupon",
    "cart_key",
    "cart_lines",
    "csrf_field",
    "csrf_token",
    "csrf_valid",
    "db",
    "forget_cart_lines",
    "money",
    "open_cart",
    "store",
]

SHOP_NAME: Final = "Larkhill"
LOCALE: Final = "en_GB"
PICTURE_SECONDS: Final = 30 * 24 * 3600
# A session is a cookie of 4 KB at most.
ORDERS_KEPT: Final = 40
NAME_LENGTH: Final = 80
WHOLE_NUMBER: Final = f"Please choose a whole number from 1 to {MOST_PIECES}."

store = Blueprint("store", __name__, template_folder="templates", static_folder="static", static_url_path="/store")


# What templates use.


@store.app_template_global()
def csrf_field() -> Markup:
    """The hidden field that every POST form needs."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


@store.app_template_global()
def cart_count() -> int:
    """How many pieces are in the cart."""
    return sum(line.quantity for line in cart_lines())


@store.app_template_global()
def image_of(product: Product) -> str:
    """Where a product's picture is: a foreign https address as imported, or our own drawing."""
    address = product.image_url or ""
    return address if address.startswith("https://") else url_for("store.show_picture", sku=product.sku)


@store.app_template_filter()
def money(minor: int) -> str:
    """Minor units of the store's currency as text, exactly: no float on the way."""
    currency = current_app.config["DEMO_CURRENCY"]
    return format_currency(Decimal(minor).scaleb(-get_currency_precision(currency)), currency, locale=LOCALE)


@store.app_template_filter()
def each_period(months: int | None) -> str:
    """How often a price is due: "a month", "a year", "every 3 months", or nothing for what is paid once."""
    if months is None:
        return ""
    return {1: "a month", 12: "a year"}.get(months, f"every {months} months")


# At the door of every request.


@store.record_once
def _close_with_the_app(state: BlueprintSetupState) -> None:
    app = state.app
    app.teardown_appcontext(close_db)
    app.jinja_env.globals.update(
        shop_name=SHOP_NAME,
        moved_clock=clock.moved,
        most_pieces=MOST_PIECES,
        name_length=NAME_LENGTH,
        direction=tongue.direction,
    )


@store.before_request
def refuse_nul() -> None:
    """NUL is in no word, name or reference, and PostgreSQL would answer it with an error."""
    values = (*request.args.values(), *request.form.values(), *(request.view_args or {}).values())
    if any("\0" in value for value in values):
        abort(400, "The address or the form holds a sign that no text has.")


@store.before_request
def refuse_foreign_forms() -> None:
    """A POST without this visitor's token changes nothing and gets a page with status 400."""
    if request.method == "POST" and not csrf_valid(request.form.get("csrf_token", "")):
        abort(400, "This form was open too long or came from elsewhere, so nothing was changed.")


@store.after_request
def keep_private(response: Response) -> Response:
    """Pages show a cart: no shared cache may keep them."""
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "private, no-cache"
    return response


@store.errorhandler(400)
def refused(error: BadRequest) -> tuple[str, int]:
    """What was wrong with the request, and the way back."""
    return render_template("store/message.html", title="That did not work", text=error.description), 400


@store.errorhandler(404)
def not_found(error: NotFound) -> tuple[str, int]:
    """A page with a search field instead of a dead end."""
    text = "What you are looking for is not here, or not here any more."
    return render_template("store/message.html", title="Not found", text=text), 404


# Looking around.


@store.get("/")
def list_products() -> str:
    """Products, `?q=` searched, of one `?category=`, one `?page=` at a time."""
    text, category = request.args.get("q", "").strip()[:100], request.args.get("category", "")
    # type=int turns what is no number into None; Python's int has no upper end, but SQL's has.
    number = min(request.args.get("page", 1, type=int), 1_000_000)
    page = find_page(db(), text, category, number)
    return render_template(
        "store/list.html", page=page, text=text, category=category, categories=biggest_categories(db())
    )  # fmt: skip


@store.get("/product/<slug>")
def show_product(slug: str) -> str:
    """One product with the form that puts it into the cart."""
    product = db().scalar(select(Product).where(Product.slug == slug, Product.hidden.is_(False)))
    if product is None:
        abort(404)
    return render_template("store/product.html", product=product)


@store.get("/picture/<path:sku>.svg")
def show_picture(sku: str) -> AnyResponse:
    """The drawing of a product, for caches to keep a month."""
    found = db().execute(select(Product.picture, Product.title, Product.category).where(Product.sku == sku)).first()
    if found is None:
        abort(404)
    response = Response(picture(found.picture or "", found.title, found.category or ""), mimetype="image/svg+xml")
    response.cache_control.public = True
    response.cache_control.max_age = PICTURE_SECONDS
    response.add_etag()
    return response.make_conditional(request)


# The cart.


@store.post("/cart/add")
def add_to_cart() -> AnyResponse:
    """Put pieces of a product into the cart; a refusal leaves the cart as it was."""
    product = db().scalar(select(Product).where(Product.sku == request.form.get("sku", "")))
    if product is None or product.hidden:
        return _say("error", "We do not have this product.", url_for("store.list_products"))
    back = url_for("store.show_product", slug=product.slug)
    quantity = read_quantity(request.form.get("quantity", "1"))
    if quantity is None:
        return _say("error", WHOLE_NUMBER, back)
    # Pieces at another price or with options are a line of their own.
    same = [
        ln for ln in cart_lines() if (ln.sku, ln.unit_price_minor, ln.options) == (product.sku, product.price_minor, {})
    ]
    if same and same[0].quantity + quantity > MOST_PIECES:
        return _say("error", f"There are {same[0].quantity} in your cart; {MOST_PIECES} is the most of one line.", back)
    if not enough(product, quantity + _pieces_of(product.sku)):
        return _say("error", f"{shortage(product)} Your cart is unchanged.", back)
    if same:
        same[0].quantity += quantity
    else:
        price = product.price_minor
        db().add(CartLine(cart_key=open_cart(), sku=product.sku, quantity=quantity, unit_price_minor=price, options={}))
    _commit_cart()
    return _say("done", f"{product.title} is in your cart.", url_for("store.show_cart"))


@store.get("/cart")
def show_cart() -> str:
    """The lines, the totals, the way to the checkout."""
    return render_template("store/cart.html", **_cart())


@store.post("/cart/update")
def update_line() -> AnyResponse:
    """Change a line's quantity; a refusal leaves the line as it was."""
    line = _own_line()
    if line is None:
        return _say("error", "This product is no longer in your cart.", url_for("store.show_cart"))
    quantity = read_quantity(request.form.get("quantity", ""))
    if quantity is None:
        return _say("error", f"{WHOLE_NUMBER} To take it out, use Remove.", url_for("store.show_cart"))
    if not enough(line.product, quantity + _pieces_of(line.sku) - line.quantity):
        return _say("error", f"{shortage(line.product)} Your cart is unchanged.", url_for("store.show_cart"))
    line.quantity = quantity
    _commit_cart()
    return redirect(url_for("store.show_cart"), 303)


@store.post("/cart/remove")
def remove_line() -> AnyResponse:
    """Take a line out of the cart."""
    line = _own_line()
    if line is None:
        return _say("error", "This product is no longer in your cart.", url_for("store.show_cart"))
    title = line.product.title
    db().delete(line)
    _commit_cart()
    return _say("done", f"{title} was removed.", url_for("store.show_cart"))


@store.post("/cart/coupon")
def set_coupon() -> AnyResponse:
    """Use a coupon; an empty field takes it away."""
    code = request.form.get("coupon", "").strip().upper()
    if not cart_lines():
        return _say("error", "Your cart is empty.", url_for("store.show_cart"))
    if code not in ("", COUPON):
        return _say("error", "We do not know this code. Your cart is unchanged.", url_for("store.show_cart"))
    db().merge(Cart(key=open_cart(), coupon=code or None))
    _commit_cart()
    return _say("done", "Your coupon is used." if code else "Your coupon was taken away.", url_for("store.show_cart"))


# The checkout and what follows.


@store.get("/checkout")
def show_checkout() -> str | AnyResponse:
    """The order before it is placed."""
    if not cart_lines():
        return _say("error", "Your cart is empty. There is nothing to order yet.", url_for("store.show_cart"))
    checkout_started.send(_app())
    return render_template("store/checkout.html", name=session.get("name", ""), **_cart())


@store.post("/checkout")
def place_order() -> AnyResponse:
    """Place the order that the visitor saw, or say why not."""
    lines, key = cart_lines(), cart_key()
    if not lines or key is None:
        return _say("error", "Your cart is empty. There is nothing to order yet.", url_for("store.show_cart"))
    name = " ".join(request.form.get("name", "").split())
    session["name"] = name[:NAME_LENGTH]
    if not 0 < len(name) <= NAME_LENGTH:
        return _say("error", f"Please give a name of up to {NAME_LENGTH} letters.", url_for("store.show_checkout"))
    coupon = cart_coupon()
    # The price shown is the price charged: another window may have changed the cart since.
    due = str(add_up(lines, coupon).due)
    if request.form.get("due", due) != due:
        return _say("error", "Your cart has changed. Please check the new total.", url_for("store.show_checkout"))
    try:
        order = place(db(), lines, coupon, name, session.get("customer"), key)
    except NotPlaced as refusal:
        db().rollback()
        return _say("error", refusal.reason, url_for("store.show_cart"))
    number = order.number
    refused = grant(number, db().connection())
    if refused:
        db().rollback()
        return _say("error", " ".join(refused), url_for("store.show_cart"))
    order_placed.send(_app(), order=number, connection=db().connection())
    db().commit()
    forget_cart_lines()
    session.pop("cart")
    session["orders"] = [*_own_numbers(), number][-ORDERS_KEPT:]
    return redirect(url_for("store.show_order", number=number), 303)


@store.get("/order/<number>")
def show_order(number: str) -> str:
    """The confirmation of an own order; a foreign number is not found, whether it exists or not."""
    if number not in _own_numbers():
        abort(404)
    order = db().scalar(select(Order).where(Order.number == number).options(_with_products()))
    if order is None:
        abort(404)
    skus = [line.sku for line in order.lines]
    return render_template(
        "store/order.html", order=order, totals=add_up(order.lines, order.coupon), skus_of_order=skus
    )


@store.get("/orders")
def list_orders() -> str:
    """This visitor's orders, newest first."""
    query = select(Order).where(Order.number.in_(_own_numbers())).options(_with_products())
    orders = db().scalars(query.order_by(Order.placed_at.desc(), Order.id.desc())).all()
    return render_template("store/orders.html", orders=[(order, add_up(order.lines, order.coupon)) for order in orders])


def _app() -> Flask:
    return cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]


def _say(kind: str, text: str, where: str) -> AnyResponse:
    """A message on the page that follows; 303 makes it a GET."""
    flash(text, kind)
    return redirect(where, 303)


def _cart() -> dict[str, object]:
    lines, coupon = cart_lines(), cart_coupon()
    totals: Totals = add_up(lines, coupon)
    return {"lines": lines, "coupon": coupon, "totals": totals}


def _pieces_of(sku: str) -> int:
    return sum(line.quantity for line in cart_lines() if line.sku == sku)


def _own_line() -> CartLine | None:
    wanted = request.form.get("line", "")
    return next((line for line in cart_lines() if str(line.id) == wanted), None)


def _own_numbers() -> list[str]:
    return list(session.get("orders", ()))


def _with_products() -> ORMOption:
    return selectinload(Order.lines).joinedload(OrderLine.product)


def _commit_cart() -> None:
    """Store the change first, then tell it."""
    db().commit()
    forget_cart_lines()
    cart_changed.send(_app())
