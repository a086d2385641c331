"""URLs of Redis are read once, at start-up, and what is wrong with one is told without its password."""

from __future__ import annotations

import pytest

from flask_upsell.addresses import CLUSTER, ONE, SENTINEL, Address, read_address, wrong_queue_url, wrong_url


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p@h:1/2?x=y", "unix:///run/valkey.sock?db=1"])
def test_one_server_is_what_redis_py_understands(url: str) -> None:
    assert read_address(url) == Address(ONE, url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "sentinel://one/shop",
            Address(SENTINEL, "redis://one/0", (("one", 26379),), "shop"),
        ),
        (
            "redis+sentinel://one:1,two:2,[::1]:3/shop/4",
            Address(SENTINEL, "redis://one:1/4", (("one", 1), ("two", 2), ("::1", 3)), "shop"),
        ),
        (
            "rediss+sentinel://u:p%40@one/shop?sentinel_password=s%26s&ssl_cert_reqs=none",
            Address(SENTINEL, "rediss://u:p%40@one/0?ssl_cert_reqs=none", (("one", 26379),), "shop", (None, "s&s")),
        ),
        ("redis+cluster://one,two:7000/", Address(CLUSTER, "redis://one/0", (("one", 6379), ("two", 7000)))),
        ("rediss+cluster://:p@one/0", Address(CLUSTER, "rediss://:p@one/0", (("one", 6379),))),
    ],
)
def test_sentinels_and_clusters(url: str, address: Address) -> None:
    assert read_address(url) == address
    assert wrong_url(url) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://u:secret@h", "begins with"),
        ("redis+sentinel://u:secret@h", "name of the service"),
        ("redis+sentinel://u:secret@h/s/0/1", "number of a database"),
        ("redis+sentinel://u:secret@h/s/one", "number of a database"),
        ("redis+cluster://u:secret@h/1", "no other database"),
        ("redis+cluster://u:secret@h,,i", "HOST:PORT"),
        ("redis+cluster://u:secret@h:0", "HOST:PORT"),
        ("redis+cluster://u:secret@h:65536", "HOST:PORT"),
        ("redis+cluster://u:secret@h h", "HOST:PORT"),
    ],
)
def test_what_is_wrong_is_told_without_the_password(url: str, said: str) -> None:
    """Planted bug that it shows: the whole URL in the message, which a start-up log keeps."""
    with pytest.raises(ValueError, match=said) as caught:
        read_address(url)
    assert "secret" not in str(caught.value)
    told = wrong_url(url)
    assert told is not None and told.startswith("write ") and said in told and "secret" not in told


def test_the_queue_may_be_anywhere_but_on_a_cluster() -> None:
    assert wrong_queue_url(None) is None
    assert wrong_queue_url("redis+sentinel://one/jobs") is None
    assert "no cluster" in str(wrong_queue_url("redis+cluster://one"))
    assert str(wrong_queue_url(5)).endswith("not int")
