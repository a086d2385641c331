"""A real cluster of three nodes and real sentinels: the right server is found, and found again after it moved."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis.exceptions import RedisError
from rq import Worker

from flask_upsell import Upsell
from flask_upsell.adapters.book import RedisShelf
from flask_upsell.adapters.breaker import Breaker
from flask_upsell.adapters.clients import Direct, web_client, worker_client
from flask_upsell.adapters.found import TAGS, Finder, open_client
from flask_upsell.adapters.migrate import upgrade
from flask_upsell.errors import SettingsError
from tests.adapters.redises import Cluster, Server, Watched, free_ports, until
from tests.conftest import SECRET
from tests.web.shop import BOOK, GOODS, SessionStore, Visitor, add_pages, parts_of, publish

SECONDS = 10.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.stop()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path / "watched")
    yield made
    made.stop()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[str]:
    """A plain server beside the cluster, for jobs."""
    (port,) = free_ports(1)
    server = Server(tmp_path / "jobs", port)
    yield f"redis://127.0.0.1:{port}/0"
    server.stop()


def shop(folder: Path, redis: str, **config: object) -> Flask:
    app, store = Flask("shop", root_path=str(folder)), SessionStore(GOODS, urls={"cart": "/cart"})
    app.config.update(
        SECRET_KEY=SECRET,
        UPSELL_REDIS_URL=redis,
        UPSELL_DATABASE_URL=f"sqlite:///{folder / 'upsell.db'}",
        UPSELL_BOOK_SECONDS=0.0,
        UPSELL_REDIS_SECONDS=1.0,
        UPSELL_SLOW_SECONDS=0,
        **config,
    )
    Upsell(app, store=store)
    add_pages(app, store)
    upgrade(parts_of(app).offers.ledger.engine)  # type: ignore[attr-defined]
    return app


# --- cluster ----------------------------------------------------------------------------------------------------------


def test_each_tag_is_written_where_it_lives(cluster: Cluster) -> None:
    for tag in TAGS:
        client = worker_client(cluster.url, tag)
        with client.pipeline() as pipe:  # a transaction, as publishing uses it
            pipe.set("x:{" + tag + "}:1", tag)
            pipe.incr("x:{" + tag + "}:2")
            assert pipe.execute() == [True, 1]
        direct = Direct(web_client(cluster.url, SECONDS, tag))
        assert direct.ask("GET", "x:{" + tag + "}:1") == tag.encode()
        assert cluster.owner(tag).client.get("x:{" + tag + "}:1") == tag.encode()
        direct.close()
        client.close()
    assert len({cluster.owner(tag).port for tag in TAGS}) > 1, "the test would hold on one node too"


def test_a_store_on_a_cluster_shows_counts_and_queues(cluster: Cluster, one: str, tmp_path: Path) -> None:
    app = shop(tmp_path, cluster.url, UPSELL_QUEUE_URL=one)
    version = publish(app)
    offers = parts_of(app).offers
    assert offers.shelf.published()[0] == version  # type: ignore[index]
    visitor = Visitor(app).put("laptop")
    assert visitor.see().products == ["plus", "bag"]
    visitor.press("accept", "bag")
    offers.tally.flush()
    assert offers.queue.enqueue("fold")
    assert offers.queue.depth() == 1
    offers.fold()
    assert sum(row.shown for row in offers.ledger.counts()) > 0
    parts_of(app).close()


def test_a_slot_that_moves_to_another_node_is_followed(cluster: Cluster) -> None:
    """Planted bug that it shows: MOVED taken for an answer, so that the same server is asked for ever."""
    breaker = Breaker()
    web, worker = web_client(cluster.url, SECONDS), worker_client(cluster.url)
    shelf = RedisShelf(web, worker, breaker, prefix="moving", trust_seconds=0)
    version = shelf.publish(GOODS, BOOK.items())
    assert shelf.read(["laptop"]).version == version
    before = cluster.owner("book")
    other = next(node for node in cluster.nodes if node is not before)
    cluster.move("book", other)
    try:
        until(lambda: shelf.read(["laptop"]).version == version and not breaker.open)
        newer = shelf.publish(GOODS, BOOK.items())
        until(lambda: shelf.read(["laptop", "bag"]).version == newer)
    finally:
        slot = before.client.execute_command("CLUSTER", "KEYSLOT", "{book}")
        keys = other.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
        other.client.delete(*keys)
        id = before.client.execute_command("CLUSTER", "MYID").decode()
        for node in (before, *cluster.nodes):
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", id)
        shelf.close()
        web.close()
        worker.close()


def test_a_cluster_that_is_not_there_costs_a_page_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = free_ports(3)
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)
    client, tried = web_client(url, SECONDS), list[int]()
    ask = Finder._ask

    def counted(self: Finder, base: Any, host: str, port: int, options: dict[str, Any]) -> Any:
        tried.append(port)
        return ask(self, base, host, port, options)

    monkeypatch.setattr(Finder, "_ask", counted)
    with pytest.raises(RedisError):
        client.get("{book}")
    assert sorted(tried) == sorted(ports), "each once, and each refuses at once"
    with pytest.raises(SettingsError, match="RQ cannot run on one"):
        shop(tmp_path, url)


def test_silent_hosts_cost_one_timeout_not_one_each() -> None:
    """Planted bug that it shows: every silent host is waited for in turn."""
    import socket

    holes = [socket.socket() for _ in range(4)]
    try:
        for hole in holes:
            hole.bind(("127.0.0.1", 0))
            hole.listen(5)
        url = "redis+sentinel://" + ",".join(f"127.0.0.1:{hole.getsockname()[1]}" for hole in holes) + "/shop"
        client = web_client(url, 0.5)
        with pytest.raises(RedisError):
            client.get("x")
        asked = 0
        for hole in holes:
            hole.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                hole.accept()[0].close()
                asked += 1
        assert asked == 1
    finally:
        for hole in holes:
            hole.close()


def test_a_client_of_a_cluster_needs_a_tag() -> None:
    with pytest.raises(ValueError, match="hash tag"):
        open_client("redis+cluster://127.0.0.1")


# --- sentinels --------------------------------------------------------------------------------------------------------


def test_sentinels_lead_to_the_master_and_after_its_death_to_the_next_one(watched: Watched, tmp_path: Path) -> None:
    """Planted bug that it shows: the master's place is asked once and kept."""
    app = shop(tmp_path, watched.url)
    offers = parts_of(app).offers
    publish(app)
    visitor = Visitor(app).put("laptop")
    assert visitor.see().products == ["plus", "bag"]
    assert watched.master.client.get("upsell:{book}:1:current"), "written to the master"

    # RQ runs on it as it is: its worker asks on connections of the same kind.
    assert offers.queue.enqueue("fold")
    client = worker_client(watched.url, "jobs")
    worker = Worker(["upsell"], connection=client, serializer="json")
    assert worker.queues[0].count == offers.queue.depth() == 1
    until(lambda: watched.replica.client.llen("rq:queue:upsell") == 1)

    watched.master.kill()
    assert visitor.see().products == ["plus", "bag"], "from this process's copy"
    until(lambda: watched.replica.client.info("replication")["role"] == "master")
    until(lambda: offers.queue.depth() == 1)
    until(lambda: publish(app))
    assert watched.replica.client.get("upsell:{book}:1:current")
    until(lambda: offers.queue.enqueue("fold"))
    client.close()
    parts_of(app).close()


def test_a_sentinel_that_is_gone_is_not_needed(watched: Watched) -> None:
    watched.sentinels[0].kill()
    client = web_client(watched.url, SECONDS)
    assert client.set("x", "1")
    assert watched.master.client.get("x") == b"1"
    client.close()


def test_a_master_that_became_a_replica_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug that it shows: READONLY taken for an answer, so that the same server is asked for ever."""
    ports = free_ports(2)
    after = Server(tmp_path / "after", ports[0])
    before = Server(tmp_path / "before", ports[1])
    places = iter([("127.0.0.1", before.port), ("127.0.0.1", after.port)])
    monkeypatch.setattr(Finder, "find", lambda *_: next(places))
    client = worker_client("redis+sentinel://127.0.0.1/shop")
    try:
        client.set("x", "1")
        before.client.replicaof("127.0.0.1", str(after.port))
        client.set("x", "2")
        assert after.client.get("x") == b"2"
    finally:
        client.close()
        before.stop()
        after.stop()


def test_a_service_that_sentinels_do_not_know_is_named(watched: Watched) -> None:
    client = web_client(watched.url.replace("/shop/", "/other/"), SECONDS)
    with pytest.raises(RedisError, match="other"):
        client.get("x")
    client.close()
