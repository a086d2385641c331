"""`Upsell`: settings, adapters, Offers, blueprint, commands. With `listening` the only place that meets the app."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from importlib.metadata import entry_points
from math import inf
from pathlib import Path

from flask import Flask, current_app

from . import faults, settings
from .adapters.audit import SQLAudit
from .adapters.book import RedisShelf
from .adapters.breaker import Breaker
from .adapters.clients import web_client, worker_client
from .adapters.consents import SQLConsents
from .adapters.curation import SQLCuration
from .adapters.deadline import within
from .adapters.diary import SQLDiary
from .adapters.ledger import SQLLedger, make_engine
from .adapters.lessons import SQLLessons
from .adapters.limits import SQLLimits
from .adapters.migrate import upgrade
from .adapters.people import SQLPeople
from .adapters.prices import SQLPrices
from .adapters.queue import RQQueue
from .adapters.rates import BothRates, RedisRates, SQLRates
from .adapters.recent import SQLRecent
from .adapters.retention import SQLRetention
from .adapters.rulebook import SQLRules
from .adapters.secret import SQLSecret
from .adapters.switch import SQLSwitch
from .adapters.tally import RedisTally
from .addresses import CLUSTER, read_address
from .core.context import Policy
from .core.ports import Store
from .core.words import say
from .desk import Desk
from .errors import SettingsError
from .followup import FollowUps
from .fresh import Fresh
from .jobs import Parts
from .learn.mining import Parameters
from .learning import Learning
from .listening import Listener, settle_after, tell
from .offers import Offers
from .privacy import Privacy
from .web.admin import admin_blueprint
from .web.api import add_api
from .web.cli import commands
from .web.edge import Edge
from .web.mail import Writer
from .web.metrics import make_meter
from .web.shop import blueprint
from .web.speech import Languages
from .web.tokens import Tokens
from .web.unsubscribe import add_unsubscribe
from .web.widget import Widget

STORE_METHODS = tuple(name for name in vars(Store) if not name.startswith("_"))
NAME = re.compile(r"[a-z][a-z0-9]{0,19}\Z")


class Upsell:
    """Offers at a store's cart and checkout.

        upsell = Upsell(store=SQLAlchemyStore(...))
        upsell.init_app(app)                        # or Upsell(app, store=...)

    `store` is a core.ports.Store, or a function that makes one from the app. Several instances in one app have names:
    "b2b" gives the template global `upsell_b2b`, settings `UPSELL_B2B_…` (falling back to `UPSELL_…`), routes
    `/upsell-b2b/…` and commands `flask upsell_b2b`. One object may serve many apps; it keeps nothing of them.
    """

    def __init__(
        self, app: Flask | None = None, *, store: Store | Callable[[Flask], Store] | None = None, name: str = ""
    ) -> None:
        if name and not NAME.match(name):
            raise SettingsError("name", f"write lower-case letters and digits, such as 'b2b', not {name!r}")
        self.name = name
        self.identifier = f"upsell_{name}" if name else "upsell"
        self._store = store
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, store: Store | Callable[[Flask], Store] | None = None) -> None:
        """Read and check the settings, connect the parts, register routes, commands, signals and the template global.

        Raises SettingsError with the name of the setting and what to write. Opens no connection.
        """
        identifier = self.identifier
        if identifier in app.extensions:
            raise SettingsError(
                "name",
                f"this app has an Upsell named {self.name!r} already; use that one, or give this "
                "one another name: Upsell(name='b2b')",
            )
        made = store or self._store
        if made is None:
            raise SettingsError("store", "say which store this is: Upsell(store=SQLAlchemyStore(...))")
        values = settings.read(app.config, identifier)
        faults.told_whole = bool(app.debug)
        _load_conditions()
        host = made if isinstance(made, Store) or not callable(made) else made(app)
        lacking = sorted(name for name in STORE_METHODS if not hasattr(host, name))
        if lacking:
            raise SettingsError("store", f"{type(host).__name__} is no store: it lacks {', '.join(lacking)}")
        tokens = Tokens(values.keys, identifier, values.token_seconds)
        parts = _connect(values, host, identifier, tokens)
        app.extensions[identifier] = parts
        edge = Edge(values.hook_seconds, values.slow_seconds, ledger=values.database_seconds)
        meter = make_meter(identifier, parts.breakers)
        widget = Widget(identifier, values, parts.offers, tokens, parts.languages, edge, meter)
        app.jinja_env.globals[identifier] = widget
        shop = blueprint(identifier, widget, parts.offers, parts.rates)
        add_unsubscribe(shop, parts.diary, tokens, parts.languages, edge)
        app.register_blueprint(shop)
        if values.admin_user is not None:
            app.register_blueprint(admin_blueprint(parts, widget, parts.desk))
            add_api(app, parts)
        app.cli.add_command(commands(identifier))
        if values.enabled:
            Listener(app, parts, edge).listen()


@cache
def _load_conditions() -> None:
    """Import what other packages offer as conditions of rules; their classes register themselves."""
    for point in entry_points(group="flask_upsell.conditions"):
        try:
            point.load()
        except Exception as error:
            raise SettingsError(
                "conditions", f"the entry point {point.name!r} ({point.value}) cannot be loaded: {error}"
            ) from error


def grant(order: str, connection: object = None, name: str = "") -> list[str]:
    """Ask for the discounts of an order that is being placed, after its lines are written (flushed), before the commit.

    [] when all are granted, and counted in the same transaction (`connection` is the order's). Else sentences for the
    shopper: roll the order back and show the cart again, in which the refused discounts are gone. Whatever fails in
    here raises, and so must the order.
    """
    here = current_app.extensions.get(f"upsell_{name}" if name else "upsell")
    if here is None or not here.settings.enabled:  # nothing was offered, so nothing is to be asked
        return []
    with within(here.settings.hook_seconds, here.settings.database_seconds):
        refusals = here.offers.discounts.grant(order, connection)
    if refusals:
        settle_after(here, {refusal.id: refusal.reason for refusal in refusals})
    gone = [say("An offer in your cart is not given any more: {why}.", why=refusal.reason) for refusal in refusals]
    return [tell(here, each) for each in gone]


def release(order: str, connection: object = None, name: str = "") -> int:
    """Give back what the discounts of a cancelled order used of limits and budgets, once however often it is asked;
    returns how many uses. Not for an order of which something was shipped: that discount was had. `connection`: that of
    the transaction which cancels it. Whatever fails in here raises; `order_cancelled` does the same and does not."""
    here = current_app.extensions.get(f"upsell_{name}" if name else "upsell")
    if here is None:
        return 0
    with within(inf, here.settings.database_seconds):
        released: int = here.offers.release(order, connection)
    return released


def perks(customer: str, name: str = "") -> frozenset[str]:
    """Names of the rules that promised this customer (the store's own key) a gift for the next time: what a store
    tells as `Visitor.perks`. One query; ask it where a customer signs in, or keep the answer for a while."""
    here = current_app.extensions.get(f"upsell_{name}" if name else "upsell")
    if here is None or not here.settings.enabled:
        return frozenset()
    with within(inf, here.settings.database_seconds):
        promised: frozenset[str] = here.offers.perks(customer)
    return promised


def erase(
    customer: str, visitors: Iterable[str] = (), *, forget_objection: bool = False, name: str | None = None
) -> dict[str, int]:
    """Remove or anonymise all that is kept of a customer (the store's own key), for the store's erase button; returns
    how many rows of each table, all 0 when there was nothing.

    `visitors`: keys of his carts (`Visitor.key`), where they are known; those that led to an order are found by
    themselves. That he wants no mails is kept, as a pseudonym, unless `forget_objection`. Of all instances of the app,
    or the one with this `name`. Safe to repeat. Raises what the store or the ledger raises; then of that instance
    nothing was removed. Call it before the store forgets whose the orders were.
    """
    here: list[Parts] = [each for each in current_app.extensions.values() if isinstance(each, Parts)]
    if name is not None:
        here = [each for each in here if each.identifier == (f"upsell_{name}" if name else "upsell")]
    done: Counter[str] = Counter()
    given = list(visitors)
    for each in here:
        done.update(each.privacy.erase(customer, given, forget_objection=forget_objection))
    return dict(done)


def _connect(values: settings.Settings, host: Store, identifier: str, tokens: Tokens) -> Parts:
    url, seconds = values.redis_url, values.redis_seconds
    web, worker, patient = web_client(url, seconds), worker_client(url), web_client(url, 1.0)
    # On one server the same client does for all; a cluster has a node for each hash tag, and jobs may have a server.
    on_cluster = read_address(url).kind == CLUSTER
    counting = (web_client(url, seconds, "tally"), worker_client(url, "tally")) if on_cluster else (web, worker)
    pacing = web_client(url, seconds, "rate") if on_cluster else web
    asking, waiting = web, patient
    if values.queue_url != url:
        asking, waiting = web_client(values.queue_url, seconds, "jobs"), web_client(values.queue_url, 1.0, "jobs")
    breaker = Breaker(reset=0.5, probe=web.ping)
    jobs_breaker = breaker if asking is web else Breaker(reset=0.5, probe=asking.ping)
    engine = make_engine(values.database_url)
    policy = Policy(
        values.max_offers,
        values.max_upgrades,
        values.price_gap_percent,
        values.price_gap_floor,
        values.complement_times,
        values.max_page,
        values.max_session,
    )
    shelf = RedisShelf(
        web,
        worker,
        breaker,
        prefix=identifier,
        trust_seconds=values.book_seconds,
        keep_seconds=values.book_keep_seconds,
        patient=patient,
    )
    audit = SQLAudit(engine, identifier, values.audit_keys)
    diary = SQLDiary(engine, identifier, audit)
    send = values.follow_up if values.enabled else None
    lessons, consents = SQLLessons(engine, identifier), SQLConsents(engine, identifier)
    recent, curation = SQLRecent(engine, identifier), SQLCuration(engine, identifier, audit)
    offers = Offers(
        store=host,
        shelf=shelf,
        ledger=SQLLedger(engine, identifier, timedelta(seconds=values.attribution_seconds), values.zone),
        tally=RedisTally(*counting, breaker, prefix=identifier),
        rules=SQLRules(engine, identifier, audit),
        limits=SQLLimits(engine, identifier),
        switch=SQLSwitch(engine, identifier, audit=audit),
        zone=values.zone,
        diary=diary if send is not None else None,
        prices=SQLPrices(engine, identifier),
        curation=curation,
        lessons=lessons,
        fresh=Fresh(host, shelf, lessons, recent, curation),
        consents=consents,
        follow_up_after=timedelta(days=values.follow_up_days),
        queue=RQQueue(asking, jobs_breaker, name=values.queue, identifier=identifier, patient=waiting),
        policy=policy,
        secret=values.pseudonym_key or SQLSecret(engine, "pseudonym"),
    )
    parameters = Parameters(
        min_support=values.min_support,
        min_lift=values.min_lift,
        max_basket=values.max_basket,
        neighbours=values.neighbours,
        gap_percent=values.price_gap_percent,
        gap_floor=values.price_gap_floor,
        min_share=values.upgrade_share,
        min_certainty=values.min_certainty,
        memory=values.learn_memory,
        engine=values.learn_engine,
        spark_master=values.spark_master,
        orders=values.learn_orders,
    )

    keep = max(timedelta(days=values.keep_days), timedelta(seconds=values.attribution_seconds))
    people, retention = SQLPeople(engine, identifier, audit), SQLRetention(engine, identifier)
    privacy = Privacy(offers, people, retention, diary, keep)
    languages = Languages(values.language, *([Path(values.locales)] if values.locales else []))
    follow_ups = None
    if send is not None and values.site_url is not None:
        writer = Writer(values.site_url, values.url_prefix, tokens, languages)
        follow_ups = FollowUps(offers, diary, writer.write, send)

    def forked() -> None:
        engine.dispose(close=False)
        getattr(host, "forked", lambda: None)()

    def close() -> None:
        for each in (breaker, jobs_breaker):
            each.close()
        engine.dispose()
        shelf.close()
        for client in {web, patient, worker, *counting, pacing, asking, waiting}:
            client.close()

    rates = BothRates(RedisRates(pacing, breaker, prefix=identifier), SQLRates(engine, identifier))
    return Parts(
        identifier,
        values,
        offers,
        forked,
        lambda: upgrade(engine),
        close,
        languages,
        diary,
        privacy,
        audit,
        rates,
        Desk(identifier, offers, engine, audit),
        parameters,
        Learning(offers, lessons, consents, recent, values.consented),
        follow_ups,
        {"redis": breaker} if jobs_breaker is breaker else {"redis": breaker, "queue": jobs_breaker},
    )
