"""Every setting is checked when the app starts, and what is wrong is told with what to write instead."""

from __future__ import annotations

import logging
import re
from hashlib import blake2b
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from flask_upsell import keys
from flask_upsell.core.context import Policy
from flask_upsell.errors import SettingsError
from flask_upsell.learn.mining import Parameters
from flask_upsell.settings import BY_NAME, SETTINGS, Setting, Settings, read
from tests.conftest import SECRET

KEY_1 = "c0f28f3bb5e9d0b7c7f1a8651e0d3429816ba5e0f6742c1dd9b38507ae4f6c21"
KEY_2 = "7d81e5a4c36f0b92d8170ef5a92b6c34e15f8d07b3a962c4f0187e5d3bc4a960"
NAN, INFINITE = float("nan"), float("inf")


def read_with(identifier: str = "upsell", /, **config: Any) -> Settings:
    return read({"SECRET_KEY": SECRET, **config}, identifier)


def written(value: object) -> str:
    """As in Python, but without addresses: every process gives a test the same name."""
    return value.__name__ if isinstance(value, FunctionType) else repr(value)


NOT_A_FLAG: list[Any] = [None, 0, 1, "True", "", []]
NOT_A_NUMBER: list[Any] = [None, "", "5", True, [], NAN, INFINITE, -INFINITE]
NOT_WHOLE: list[Any] = [*NOT_A_NUMBER, 5.0, 2.5]
NOT_A_TEXT: list[Any] = ["", 5, b"text", []]

#: setting -> (values that are good beside the default, values that are not); the first and last number of each range
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "ENABLED": ([False], NOT_A_FLAG),
    "REDIS_URL": (
        [
            "rediss://host:6380/1",
            "unix:///run/valkey.sock",
            "sentinel://one:26379,two,[::1]:26379/mymaster/1",
            "redis+sentinel://user:secret@one/mymaster?sentinel_password=s",
        ],
        [
            "redis+sentinel://one:26379",
            "redis+sentinel://one/mymaster/x",
            "redis+sentinel://one,,two/mymaster",
            "redis+sentinel://one:99999/mymaster",
            "redis+cluster://one/1",
            "redis+cluster://",
            "redis+magic://one",
            None,
            "",
            6379,
            "127.0.0.1:6379",
            "http://host",
            "valkey://host",
            " redis://host",
        ],
    ),
    "DATABASE_URL": (["postgresql+psycopg://u@h/d"], [None, *NOT_A_TEXT]),
    "KEYS": (
        [[KEY_1], (KEY_1, KEY_2)],
        ["", KEY_1, [], [""], ["short"], ["k" * 31], [KEY_1, "short"], [KEY_1, None], [b"k" * 32], {KEY_1: KEY_2}],
    ),
    "PSEUDONYM_KEY": ([KEY_1, "k" * 32], ["", "short", "k" * 31, b"k" * 32, [KEY_1], 5]),
    "AUDIT_KEYS": ([[KEY_1], (KEY_1, KEY_2)], ["", KEY_1, [], ["short"], [KEY_1, None], [b"k" * 32]]),
    "URL_PREFIX": (["/offers", "/a/b"], ["", "/", "offers", "offers/", "/offers/", 5]),
    "MAX_OFFERS": ([0, 3], [-1, 4, *NOT_WHOLE]),
    "MAX_UPGRADES": ([0, 3], [-1, 4, *NOT_WHOLE]),
    "PRICE_GAP_PERCENT": ([0, 1000], [-1, 1001, *NOT_WHOLE]),
    "PRICE_GAP_FLOOR": ([0, 10**9], [-1, 10**9 + 1, *NOT_WHOLE]),
    "COMPLEMENT_TIMES": ([0, 1, 1000], [-1, *NOT_WHOLE]),
    "MAX_PAGE": ([0, 3, 10], [-1, 11, *NOT_WHOLE]),
    "MAX_SESSION": ([0, 60], [-1, 61, *NOT_WHOLE]),
    "ZONE": (["UTC", "Europe/Rome"], ["Rome", "", None, 1]),
    "LANGUAGE": (["en", "de", "pt-BR", "ar"], ["", None, "english", "xx-YY", 1]),
    "LOCALES": ([None, "tests", Path("tests")], ["nowhere", "", 1, b"tests"]),
    "TOKEN_SECONDS": ([10, 86_400], [0, 9, 86_401, *NOT_WHOLE]),
    "RATE_VISITOR": ([0, 1, 10**6], [-1, 10**6 + 1, *NOT_WHOLE]),
    "RATE_ADDRESS": ([0, 1, 10**6], [-1, 10**6 + 1, *NOT_WHOLE]),
    "RATE_READINGS": ([0, 1, 10**6], [-1, 10**6 + 1, *NOT_WHOLE]),
    "ATTRIBUTION_SECONDS": ([60, 90 * 86_400], [0, 59, 90 * 86_400 + 1, *NOT_WHOLE]),
    "CONSENT": ([print], [True, False, "yes", 5, []]),
    "CONSENTED": ([set], [True, False, "yes", 5, []]),
    "KEEP_DAYS": ([1, 3650], [0, -1, 3651, *NOT_WHOLE]),
    "MIN_SUPPORT": ([1, 10**6], [0, -1, 10**6 + 1, *NOT_WHOLE]),
    "MIN_LIFT": ([0, 1.5, 1000], [-0.1, 1000.1, *NOT_A_NUMBER]),
    "MIN_CERTAINTY": ([0, 1.5], [-0.1, *NOT_A_NUMBER]),
    "UPGRADE_SHARE": ([0, 0.5, 1], [-0.1, 1.1, *NOT_A_NUMBER]),
    "MAX_BASKET": ([2, 10_000], [1, 0, -1, 10_001, *NOT_WHOLE]),
    "NEIGHBOURS": ([1, 1000], [0, -1, 1001, *NOT_WHOLE]),
    "LEARN_TUNED": ([False], NOT_A_FLAG),
    "LEARN_MEMORY": (["64MB"], [None, *NOT_A_TEXT]),
    "LEARN_ENGINE": (["duckdb", "spark"], [None, "Spark", "sqlite", *NOT_A_TEXT]),
    "SPARK_MASTER": ([None, "local[2]", "yarn", "spark://host:7077"], NOT_A_TEXT),
    "LEARN_ORDERS": ([None, "orders.parquet", "/orders/*/*.parquet"], NOT_A_TEXT),
    "BOOK_SECONDS": ([0, 1], [-1, 1.1, *NOT_A_NUMBER]),
    "BOOK_KEEP_SECONDS": ([5, 86_400], [4, 86_401, *NOT_WHOLE]),
    "REDIS_SECONDS": ([0.001, 1], [0, 1.1, *NOT_A_NUMBER]),
    "DATABASE_SECONDS": ([0.1, 2.5, 60], [0, 0.09, 61, *NOT_A_NUMBER]),
    "SLOW_SECONDS": ([0, 0.25, 60], [-1, 61, *NOT_A_NUMBER]),
    "ADMIN_USER": ([lambda: None], ["ada", 5, [], True]),
    "ADMIN_SIGN_IN": (["/login", "/account/sign-in"], ["login", "", "/", 5, "https://shop.example/"]),
    "METRICS": ([lambda: True], ["yes", 5, [], True]),
    "QUEUE_URL": (
        ["redis://jobs:6379/1", "redis+sentinel://h/jobs"],
        ["", 5, "jobs", "redis+cluster://h", "rediss+cluster://h:1,i:2"],
    ),
    "QUEUE": (["jobs"], NOT_A_TEXT),
    "ASSETS": ([False], NOT_A_FLAG),
    "CSP_NONCE": ([lambda: "n"], ["nonce", 5, []]),
    "FOLLOW_UP": ([print], ["print", 5, [], True]),
    "FOLLOW_UP_DAYS": ([1, 60], [0, -1, 61, *NOT_WHOLE]),
    "SITE_URL": (
        ["https://shop.example", "http://127.0.0.1:5055", "https://shop.example/store", "https://[::1]:8443/a-b/~c"],
        [
            "",
            5,
            b"https://shop.example",
            "shop.example",
            "//shop.example",
            "ftp://shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/a/",
            "https://shop.example?a=1",
            "https://shop.example#a",
            "https://bücher.example",
            "https://shop.example/a b",
            "https://shop.example\n",
            "https://shop.example/\r\nX: y",
            "https://user:secret@shop.example",
            "https://shop.example:port",
            "https://shop.example/a//b",
            "https://a>b",
        ],
    ),
}
#: What a setting needs beside it.
WITH = {"FOLLOW_UP": {"UPSELL_SITE_URL": "https://shop.example"}}
GOOD = [(name, value) for name, (good, _) in VALUES.items() for value in good]
BAD = [(name, value) for name, (_, bad) in VALUES.items() for value in bad]


def test_every_setting_has_its_values_in_this_file() -> None:
    assert set(VALUES) == set(BY_NAME)


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    assert {setting.name.lower() for setting in SETTINGS} == set(Settings.__struct_fields__)
    assert len(BY_NAME) == len(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_default_is_good(setting: Setting) -> None:
    assert setting.check(setting.default) is None


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_explained_in_a_sentence(setting: Setting) -> None:
    assert re.fullmatch(r"[A-Z_]+", setting.name)
    assert setting.sentence.endswith((".", ")."))
    assert "\n" not in setting.sentence


@pytest.mark.parametrize(("name", "value"), GOOD, ids=written)
def test_a_good_value_is_taken(name: str, value: Any) -> None:
    found = getattr(read_with(**{"UPSELL_" + name: value, **WITH.get(name, {})}), name.lower())
    assert found == (tuple(value) if name in ("KEYS", "AUDIT_KEYS") else value)


@pytest.mark.parametrize(("name", "value"), BAD, ids=written)
def test_a_bad_value_is_refused_with_its_key_and_what_to_write(name: str, value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        read_with(**{"UPSELL_" + name: value})
    assert caught.value.setting == "UPSELL_" + name
    assert str(caught.value).startswith(f"UPSELL_{name}: write ")
    assert BY_NAME[name].sentence in str(caught.value)


def test_a_refused_secret_is_not_repeated_in_the_error() -> None:
    with pytest.raises(SettingsError) as caught:
        read_with(UPSELL_KEYS=["hunter2"])
    assert "hunter2" not in str(caught.value)


def test_the_defaults() -> None:
    found = read_with()
    for name, setting in BY_NAME.items():
        if setting.default is not None:
            assert getattr(found, name.lower()) == setting.default
    assert (found.url_prefix, found.queue, found.keys, found.csp_nonce) == ("/upsell", "upsell", (SECRET,), None)


def test_the_defaults_are_those_of_the_parts_that_they_set() -> None:
    found, policy, parameters = read_with(), Policy(), Parameters()
    # Whether offers are varied is no merchant's setting: `flask-upsell predict` alone asks for all there is.
    for field in set(Policy.__struct_fields__) - {"varied"}:
        assert getattr(found, field) == getattr(policy, field), field
    names = {"gap_percent": "price_gap_percent", "gap_floor": "price_gap_floor", "min_share": "upgrade_share",
             "memory": "learn_memory", "engine": "learn_engine", "orders": "learn_orders"}  # fmt: skip
    for field in Parameters.__struct_fields__:
        assert getattr(found, names.get(field, field)) == getattr(parameters, field), field


# --- names -------------------------------------------------------------------------------------------------------


def test_a_named_instance_has_its_own_values_and_falls_back() -> None:
    config = {"UPSELL_MAX_OFFERS": 1, "UPSELL_NEIGHBOURS": 7, "UPSELL_B2B_MAX_OFFERS": 3}
    named, plain = read_with("upsell_b2b", **config), read_with(**config)
    assert (named.max_offers, named.neighbours, named.min_support) == (3, 7, 5)
    assert (plain.max_offers, plain.neighbours, plain.min_support) == (1, 7, 5)


def test_a_named_instance_has_its_own_routes_and_queue() -> None:
    named = read_with("upsell_b2b")
    assert (named.url_prefix, named.queue) == ("/upsell-b2b", "upsell_b2b")


@pytest.mark.parametrize("key", ["UPSELL_MAX_OFFERS", "UPSELL_B2B_MAX_OFFERS"])
def test_the_error_of_a_named_instance_names_the_key_that_is_there(key: str) -> None:
    with pytest.raises(SettingsError, match=f"^{key}: ") as caught:
        read_with("upsell_b2b", **{key: 99})
    assert caught.value.setting == key


def test_a_value_of_its_own_hides_a_bad_one_that_is_shared() -> None:
    assert read_with("upsell_b2b", UPSELL_MAX_OFFERS=99, UPSELL_B2B_MAX_OFFERS=1).max_offers == 1


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("UPSELL_MAX_OFERS", "UPSELL_MAX_OFFERS"),
        ("UPSELL_REDISURL", "UPSELL_REDIS_URL"),
        ("UPSELL_QQQQQQQQQQQQQQQQQQQQ", None),
    ],
)
def test_an_unknown_key_is_logged_with_the_nearest(
    key: str, nearest: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "flask_upsell"):
        read_with(**{key: 3})
    (record,) = caplog.records
    assert record.getMessage() == f"unknown setting {key}" + (f"; did you mean {nearest}?" if nearest else "")
    assert getattr(record, "upsell_reason", None) == "unknown_setting"


def test_known_keys_of_any_instance_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "flask_upsell"):
        read_with(UPSELL_MAX_OFFERS=1, UPSELL_B2B_MAX_OFFERS=2, SQLALCHEMY_ECHO=True, UPSELLING="no key of ours")
    assert caplog.records == []


def test_each_instance_writes_mails_of_its_own() -> None:
    """Red when FOLLOW_UP falls back: both instances hear of an order, and its customer gets two mails."""
    config = {"UPSELL_FOLLOW_UP": print, "UPSELL_SITE_URL": "https://shop.example", "UPSELL_FOLLOW_UP_DAYS": 3}
    plain, named = read_with(**config), read_with("upsell_b2b", **config)
    assert (plain.follow_up, named.follow_up) == (print, None)
    assert (named.site_url, named.follow_up_days) == ("https://shop.example", 3)


@pytest.mark.parametrize(("identifier", "key"), [("upsell", "UPSELL"), ("upsell_b2b", "UPSELL_B2B")])
def test_a_mail_needs_to_know_where_the_store_is(identifier: str, key: str) -> None:
    with pytest.raises(SettingsError, match="write what the store's addresses begin with") as caught:
        read_with(identifier, **{f"{key}_FOLLOW_UP": print})
    assert caught.value.setting == f"{key}_SITE_URL"
    assert f"{key}_FOLLOW_UP is set" in str(caught.value)
    assert (
        read_with(identifier, **{f"{key}_FOLLOW_UP": print, "UPSELL_SITE_URL": "https://a.example"}).follow_up is print
    )


# --- keys --------------------------------------------------------------------------------------------------------


def test_keys_of_its_own_sign() -> None:
    assert read_with(UPSELL_KEYS=[KEY_1, KEY_2]).keys == (KEY_1, KEY_2)
    assert read({"UPSELL_KEYS": [KEY_1]}).keys == (KEY_1,), "without a SECRET_KEY"


def test_the_apps_secret_signs_and_its_fallbacks_are_accepted() -> None:
    """The last one signs."""
    assert read_with(SECRET_KEY_FALLBACKS=[KEY_2, KEY_1]).keys == (KEY_1, KEY_2, SECRET)
    assert read_with(SECRET_KEY_FALLBACKS=None).keys == (SECRET,)


def test_a_secret_may_be_bytes() -> None:
    secret = blake2b(b"a secret", digest_size=32).digest()
    assert read({"SECRET_KEY": secret}).keys[-1].encode("latin-1") == secret


@pytest.mark.parametrize("config", [{}, {"SECRET_KEY": None}, {"SECRET_KEY": ""}, {"SECRET_KEY": b""}])
def test_without_a_secret_nothing_starts(config: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="Set the app's SECRET_KEY, or UPSELL_KEYS") as caught:
        read(config)
    assert caught.value.setting == "UPSELL_KEYS"


FLASKS_MANUAL = "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"
WEAK = ["dev", "changeme", "secret", b"dev", "k" * 64, FLASKS_MANUAL, "a sentence that is long, but it is only words"]


@pytest.mark.parametrize("weak", WEAK, ids=str)
@pytest.mark.parametrize("where", ["SECRET_KEY", "SECRET_KEY_FALLBACKS", "UPSELL_KEYS", "UPSELL_B2B_KEYS"])
def test_with_a_weak_key_nothing_starts(weak: str | bytes, where: str) -> None:
    """House rule 20: such a key is guessed in a second, and then anybody can sign offers. One that is no longer signed
    with is still accepted, so it counts too.

    Planted bug that it shows: a key is taken however weak it is; only the last one is looked at.
    """
    if "KEYS" in where and len(weak) < 32:
        weak = "k" * 32
    value = weak if where == "SECRET_KEY" else [weak, KEY_1]
    with pytest.raises(SettingsError, match=r"^\w+: .*make one with python -c") as caught:
        read_with("upsell_b2b" if "B2B" in where else "upsell", **{where: value})
    assert caught.value.setting == where
    assert len(weak) < 10 or str(weak) not in str(caught.value)
    assert ("UPSELL_KEYS" in str(caught.value)) == (where != "UPSELL_B2B_KEYS"), "what may be set instead"


@pytest.mark.parametrize("mode", ["DEBUG", "TESTING"])
def test_while_it_is_made_a_weak_key_will_do_and_is_told_of_once(
    mode: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_told_of", set())
    with caplog.at_level(logging.WARNING, "flask_upsell"):
        for _ in range(3):
            assert read({"SECRET_KEY": "dev", mode: True}).keys == ("dev",)
    (record,) = caplog.records
    assert "make one with python -c" in record.getMessage()
    assert getattr(record, "upsell_reason", None) == "weak_key"
    with pytest.raises(SettingsError, match="nothing to sign offers with"):
        read({mode: True})


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        read_with().max_offers = 3  # type: ignore[misc]


def test_a_function_is_kept_as_it_is() -> None:
    def nonce() -> str:
        return "n"

    assert read_with(UPSELL_CSP_NONCE=nonce).csp_nonce is nonce
