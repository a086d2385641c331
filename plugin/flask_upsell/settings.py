"""Every setting: its name, its default and one sentence, read once and checked at start-up.

A setting `MAX_OFFERS` is `UPSELL_MAX_OFFERS` in `app.config`. An instance named "b2b" looks for
`UPSELL_B2B_MAX_OFFERS` first.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from . import checks
from .addresses import CLUSTER, read_address, wrong_queue_url, wrong_url
from .errors import SettingsError
from .keys import signing_keys

log = logging.getLogger("flask_upsell")


class Setting(msgspec.Struct, frozen=True):
    """`check` returns None or what to write instead."""

    name: str
    default: Any
    sentence: str
    check: Callable[[Any], str | None]


MANY = checks.whole(0, 10**6)
SETTINGS = (
    Setting(
        "ENABLED",
        True,
        "False: nothing is shown, counted or learned; the store runs on as if nothing was installed.",
        checks.flag,
    ),
    Setting(
        "REDIS_URL",
        "redis://127.0.0.1:6379/0",
        "Redis or Valkey (6.2 or newer) for the book, counters and jobs.",
        wrong_url,
    ),
    Setting("DATABASE_URL", "sqlite:///upsell.db", "SQLAlchemy URL of the ledger; best the store's own.", checks.text),
    Setting(
        "KEYS",
        None,
        "Signing secrets of 256 bits, oldest first, the last one signs; None: SECRET_KEY (and SECRET_KEY_FALLBACKS).",
        checks.keys,
    ),
    Setting(
        "PSEUDONYM_KEY",
        None,
        "The secret that makes pseudonyms of customers; None: the ledger makes and keeps one. A new one forgets.",
        checks.secret,
    ),
    Setting(
        "AUDIT_KEYS",
        None,
        "Secrets that sign the audit, oldest first, the last one signs; None: one that the ledger makes and keeps.",
        checks.keys,
    ),
    Setting(
        "URL_PREFIX",
        None,
        "Where the routes live; None: '/upsell' (an instance 'b2b': '/upsell-b2b').",
        lambda v: None if v is None else checks.url_prefix(v),
    ),
    Setting("MAX_OFFERS", 2, "The most offers in one placement.", checks.whole(0, 3)),
    Setting("MAX_UPGRADES", 1, "The most of them that are upgrades.", checks.whole(0, 3)),
    Setting(
        "PRICE_GAP_PERCENT",
        25,
        "An upgrade costs at most so many percent more than its line.",
        checks.whole(0, 1000),
    ),
    Setting("PRICE_GAP_FLOOR", 0, "A difference of so many minor units is always small.", checks.whole(0, 10**9)),
    Setting(
        "COMPLEMENT_TIMES",
        1,
        "A complement may cost at most so many times what it goes with, unless its rule says more; 0: any price.",
        checks.whole(0, 1000),
    ),
    Setting("MAX_PAGE", 3, "The most offers on a page, all its placements together.", checks.whole(0, 10)),
    Setting(
        "MAX_SESSION",
        20,
        "The most different products offered in a session; 0 for any number. Counted where the store has a session.",
        checks.whole(0, 60),
    ),
    Setting(
        "ZONE",
        "UTC",
        "The store's IANA time zone, such as 'Europe/Rome': in it days and seasons begin unless a rule names another.",
        checks.zone,
    ),
    Setting(
        "LANGUAGE",
        "en",
        "The widgets' language (BCP 47) where the shopper's is not known or has no catalogue.",
        checks.language,
    ),
    Setting(
        "LOCALES",
        None,
        "A folder with the store's own catalogues, such as nl.po; they come before ours.",
        checks.folder,
    ),
    Setting(
        "TOKEN_SECONDS",
        1800,
        "How long an offer of a page is good; then it is asked again.",
        checks.whole(10, 86_400),
    ),
    Setting(
        "RATE_VISITOR", 60, "The most clicks on offers that are taken of one visitor in a minute; 0: any number.", MANY
    ),
    Setting(
        "RATE_ADDRESS",
        300,
        "The same for one public address (Flask's remote_addr: behind a proxy ProxyFix tells it); 0: any number.",
        MANY,
    ),
    Setting("RATE_READINGS", 1200, "The most placements that one such address gets again in a minute; 0: any.", MANY),
    Setting(
        "ATTRIBUTION_SECONDS",
        7 * 86_400,
        "How long after its acceptance an ordered product counts as converted.",
        checks.whole(60, 90 * 86_400),
    ),
    Setting(
        "CONSENT",
        None,
        "A function: did this shopper agree that history is used? True is yes; None, or no function: only the cart is.",
        checks.callable_or_none,
    ),
    Setting(
        "CONSENTED",
        None,
        "A function: which of these customers (a list of the store's keys) agreed that learning keeps their past "
        "orders? None: those whose last order was placed under CONSENT.",
        checks.callable_or_none,
    ),
    Setting("KEEP_DAYS", 90, "Days that single events (who accepted what) are kept.", checks.whole(1, 3650)),
    Setting("MIN_SUPPORT", 5, "Fewer orders together than this are noise and teach nothing.", checks.whole(1, 10**6)),
    Setting(
        "MIN_LIFT",
        1.1,
        "Products bought together less than so many times as often as by chance are no complements.",
        checks.number(0, 1000),
    ),
    Setting(
        "UPGRADE_SHARE",
        0.01,
        "A dearer product that a smaller share of its category's orders had is no upgrade.",
        checks.number(0, 1),
    ),
    Setting(
        "MIN_CERTAINTY",
        3.3,
        "A pair must be bought together by so many standard deviations more than chance would have it.",
        checks.number(0, 100),
    ),
    Setting("MAX_BASKET", 500, "Orders of more products teach nothing (wholesale, bots).", checks.whole(2, 10_000)),
    Setting("NEIGHBOURS", 20, "The most complements with evidence of one product.", checks.whole(1, 1000)),
    Setting(
        "LEARN_TUNED",
        True,
        "Whether learning uses what `flask upsell backtest --tune` chose where the settings are the defaults.",
        checks.flag,
    ),
    Setting("LEARN_MEMORY", "1GB", "Memory that learning may use before it goes to disk.", checks.text),
    Setting(
        "LEARN_ENGINE",
        "duckdb",
        "What learning counts with: 'duckdb' in the worker's process, or 'spark' (the extra [spark], and Java).",
        checks.one_of("duckdb", "spark"),
    ),
    Setting(
        "SPARK_MASTER",
        "local[*]",
        "Where Spark runs; None: its own configuration says so (SPARK_CONF_DIR), which then also has its memory.",
        lambda v: None if v is None else checks.text(v),
    ),
    Setting(
        "LEARN_ORDERS",
        None,
        "Parquet (a file, a folder or a glob) to learn orders from instead of from the store: order_ref, product_ref, "
        "quantity, customer, placed_at.",
        lambda v: None if v is None else checks.text(v),
    ),
    Setting(
        "BOOK_SECONDS",
        0.5,
        "How long a process trusts its copy of the book before it asks for a newer version, or is switched off.",
        checks.number(0, 1),
    ),
    Setting(
        "BOOK_KEEP_SECONDS",
        120,
        "How long an old book stays readable after a new one is live.",
        checks.whole(5, 86_400),
    ),
    Setting(
        "REDIS_SECONDS",
        0.010,
        "How long a page waits for one answer of Redis at most; for all of them together twice as long.",
        checks.number(0.001, 1),
    ),
    Setting(
        "DATABASE_SECONDS",
        5,
        "How long a click or an order waits for the ledger's own connections to PostgreSQL at most, all its statements "
        "together.",
        checks.number(0.1, 60),
    ),
    Setting(
        "SLOW_SECONDS",
        0.5,
        "Where offers take longer on three pages within a minute, none are shown for a minute; 0: however long.",
        checks.number(0, 60),
    ),
    Setting(
        "METRICS",
        None,
        "A function that says whether this request may read /upsell/metrics and /upsell/healthz; None: only requests "
        "from the machine itself that no proxy forwarded.",
        checks.callable_or_none,
    ),
    Setting(
        "ADMIN_USER",
        None,
        "A function that gives the Person (name, role) who works at /upsell/admin/ in this request, or None; without "
        "such a function there is no admin.",
        checks.callable_or_none,
    ),
    Setting(
        "ADMIN_SIGN_IN",
        None,
        "The path of the store's page to sign in for that, such as '/login'; the way back is added as ?next=. None: "
        "where flask_login_person is used, Flask-Login's login view.",
        lambda v: None if v is None else checks.url_prefix(v),
    ),
    Setting(
        "QUEUE_URL",
        None,
        "A Redis of its own for the job queue; None: REDIS_URL, unless that is a cluster, on which RQ cannot run.",
        wrong_queue_url,
    ),
    Setting(
        "QUEUE",
        None,
        "Name of the RQ queue; None: 'upsell' (or the instance's name).",
        lambda v: None if v is None else checks.text(v),
    ),
    Setting("ASSETS", True, "Whether the first widget of a page brings our stylesheet and script.", checks.flag),
    Setting(
        "CSP_NONCE",
        None,
        "A function that returns the nonce of this response, where the store's CSP needs one.",
        checks.callable_or_none,
    ),
    Setting(
        "FOLLOW_UP",
        None,
        "A function that sends a mail (flask_upsell.FollowUp) some days after an order; None: nobody is written to.",
        checks.callable_or_none,
    ),
    Setting("FOLLOW_UP_DAYS", 7, "How many days after an order that mail is due.", checks.whole(1, 60)),
    Setting(
        "SITE_URL",
        None,
        "What links in mails begin with, such as 'https://shop.example'; needed with FOLLOW_UP.",
        checks.site_url,
    ),
)
#: What two instances of one app cannot share: without a setting of their own they take the default. Both would hear of
#: an order, and write to its customer.
OWN = {"URL_PREFIX", "QUEUE", "FOLLOW_UP"}
BY_NAME = {setting.name: setting for setting in SETTINGS}


class Settings(msgspec.Struct, frozen=True):
    """The values of one instance; documented in SETTINGS. Seconds are seconds, money is minor units."""

    enabled: bool
    redis_url: str
    database_url: str
    keys: tuple[str, ...]
    pseudonym_key: str | None
    audit_keys: tuple[str, ...]
    url_prefix: str
    max_offers: int
    max_upgrades: int
    price_gap_percent: int
    price_gap_floor: int
    complement_times: int
    max_page: int
    max_session: int
    zone: str
    language: str
    locales: str | Path | None
    token_seconds: int
    rate_visitor: int
    rate_address: int
    rate_readings: int
    attribution_seconds: int
    consent: Callable[[], bool | None] | None
    consented: Callable[[Sequence[str]], Iterable[str]] | None
    keep_days: int
    min_support: int
    min_lift: float
    min_certainty: float
    upgrade_share: float
    max_basket: int
    neighbours: int
    learn_tuned: bool
    learn_memory: str
    learn_engine: str
    spark_master: str | None
    learn_orders: str | None
    book_seconds: float
    book_keep_seconds: int
    redis_seconds: float
    database_seconds: float
    slow_seconds: float
    metrics: Callable[[], bool] | None
    admin_user: Callable[[], Any] | None
    admin_sign_in: str | None
    queue_url: str
    queue: str
    assets: bool
    csp_nonce: Callable[[], str] | None
    follow_up: Callable[[Any], object] | None
    follow_up_days: int
    site_url: str | None

    @property
    def hook_seconds(self) -> float:
        """How long one hook waits for Redis, whatever it asks."""
        return 2 * self.redis_seconds


def read(config: Mapping[str, Any], identifier: str = "upsell") -> Settings:
    """The settings of the instance `identifier` ("upsell", or "upsell_b2b" for one named "b2b").

    Raises SettingsError, which names the key and says what to write. Unknown keys are logged with the nearest name.
    """
    prefix = identifier.upper() + "_"
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        key = prefix + setting.name
        if key not in config and setting.name not in OWN:
            key = "UPSELL_" + setting.name
        value = config.get(key, setting.default)
        wrong = setting.check(value)
        if wrong:
            raise SettingsError(key, f"{wrong}. {setting.sentence}")
        values[setting.name.lower()] = value
    _warn_of_unknown(config, prefix)
    if values["follow_up"] is not None and values["site_url"] is None:
        raise SettingsError(
            prefix + "SITE_URL",
            f"write what the store's addresses begin with, such as 'https://shop.example': {prefix}FOLLOW_UP is set, "
            f"and a mail is written without a request. {BY_NAME['SITE_URL'].sentence}",
        )
    values["audit_keys"] = tuple(values["audit_keys"] or ())
    values["keys"] = signing_keys(config, values["keys"], prefix + "KEYS")
    values["url_prefix"] = values["url_prefix"] or "/" + identifier.replace("_", "-")
    values["queue"] = values["queue"] or identifier
    if values["queue_url"] is None:
        if read_address(values["redis_url"]).kind == CLUSTER:
            raise SettingsError(
                prefix + "QUEUE_URL",
                f"write the URL of a Redis that is no cluster, for jobs alone: {prefix}REDIS_URL is a cluster, and RQ "
                f"cannot run on one. {BY_NAME['QUEUE_URL'].sentence}",
            )
        values["queue_url"] = values["redis_url"]
    return Settings(**values)


def _warn_of_unknown(config: Mapping[str, Any], prefix: str) -> None:
    for key in config:
        if key.startswith("UPSELL_") and not any(key.endswith("_" + name) for name in BY_NAME):
            near = difflib.get_close_matches(key.removeprefix(prefix), BY_NAME, n=1)
            log.warning(
                "unknown setting %s%s",
                key,
                f"; did you mean {prefix}{near[0]}?" if near else "",
                extra={"upsell_reason": "unknown_setting"},
            )
