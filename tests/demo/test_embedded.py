"""The demo's Valkey: whoever comes first starts it, everybody else attaches, and killing anybody blocks nobody."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from flask_upsell.demo import embedded
from flask_upsell.errors import UpsellError
from tests.browser.demo import end_valkey, valkey_pid

ATTACH = "import sys, time; from pathlib import Path; from flask_upsell.demo import embedded; "
ATTACH += "print(embedded.attach_or_start(Path(sys.argv[1])), flush=True); time.sleep(float(sys.argv[2]))"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "shop"
    yield made
    pid = valkey_pid_of_socket(made)
    if pid is not None:
        os.kill(pid, signal.SIGCONT)
    end_valkey(made)


def valkey_pid_of_socket(folder: Path) -> int | None:
    """Found by its command line, for one that does not answer."""
    wanted = f"unixsocket:{embedded.socket_path(folder)}".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes():
                return int(path.parent.name)
        except OSError:
            continue
    return None


def client(folder: Path) -> Redis:
    return Redis(unix_socket_path=str(embedded.socket_path(folder)), socket_timeout=60)


def attach(folder: Path, stay: float = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ATTACH, str(folder), str(stay)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def test_two_processes_share_one(folder: Path) -> None:
    one, two = attach(folder, 300), attach(folder, 300)
    try:
        assert told(one) == told(two) == embedded.url(folder)
        pid = valkey_pid(folder)
        assert pid is not None
        assert embedded.attach_or_start(folder) == embedded.url(folder)
        assert valkey_pid(folder) == pid
    finally:
        end(one, two)


def test_many_at_once_start_one(folder: Path, tmp_path: Path) -> None:
    """Shown red without the lock: each of them starts one, and all but one fail."""
    go = tmp_path / "go"
    wait = "import sys, time; from pathlib import Path\nwhile not Path(sys.argv[3]).exists(): time.sleep(0.001)\n"
    code = "from flask_upsell.demo import embedded\n" + wait
    code += "real = embedded._start; embedded._start = lambda f: (print('starts', flush=True), real(f))\n"
    command = [sys.executable, "-c", code + ATTACH, str(folder), "0", str(go)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    time.sleep(2)
    go.touch()
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(said, key=len) == [[embedded.url(folder)]] * 2 + [["starts", embedded.url(folder)]]
    assert sum(_serves(path, folder) for path in Path("/proc").glob("[0-9]*/cmdline")) == 1


def _serves(path: Path, folder: Path) -> bool:
    try:
        return f"unixsocket:{embedded.socket_path(folder)}".encode() in path.read_bytes()
    except OSError:
        return False


def test_killing_the_one_who_started_it_ends_nothing(folder: Path) -> None:
    """Shown red with the server stopped by its starter (no `os._exit`, `start_new_session` or both)."""
    starter = attach(folder, 300)
    told(starter)
    pid = valkey_pid(folder)
    with client(folder) as before:
        before.set("kept", "yes")
    end(starter)
    assert valkey_pid(folder) == pid
    second = attach(folder)
    assert told(second) == embedded.url(folder)
    assert second.wait(60) == 0
    end(second)
    assert valkey_pid(folder) == pid
    with client(folder) as after:
        assert after.get("kept") == b"yes"


def test_killing_it_loses_nothing_and_the_next_call_starts_it(folder: Path) -> None:
    """Shown red with `appendonly no`."""
    embedded.attach_or_start(folder)
    pid = valkey_pid(folder)
    assert pid is not None
    with client(folder) as before:
        before.set("kept", "yes")
        before.hset("more", mapping={str(n): "x" for n in range(1000)})
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while valkey_pid(folder) is not None and time.monotonic() < until:
        time.sleep(0.05)
    assert not embedded.answers(folder)
    assert embedded.attach_or_start(folder) == embedded.url(folder)
    assert valkey_pid(folder) not in (None, pid)
    with client(folder) as after:
        assert after.get("kept") == b"yes"
        assert after.hlen("more") == 1000


def test_one_that_hangs_is_an_error_that_says_what_to_do(folder: Path) -> None:
    embedded.attach_or_start(folder)
    pid = valkey_pid(folder)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(UpsellError, match=r"does not answer \(stopped\?\); end it with: pkill"):
        embedded.attach_or_start(folder)
    os.kill(pid, signal.SIGCONT)
    assert embedded.attach_or_start(folder) == embedded.url(folder)
    assert valkey_pid(folder) == pid


def test_it_listens_on_no_port_and_for_its_owner_only(folder: Path) -> None:
    embedded.attach_or_start(folder)
    with client(folder) as asked:
        assert asked.config_get("port") == {"port": "0"}
        assert asked.config_get("appendonly") == {"appendonly": "yes"}
    directory = embedded.socket_path(folder).parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_the_path_of_the_socket_is_short_however_deep_the_folder(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*(["a long name of a folder"] * 9))
    assert len(str(embedded.socket_path(deep))) < 107
    assert embedded.socket_path(deep) != embedded.socket_path(deep / "x")
    assert embedded.socket_path(tmp_path) == embedded.socket_path(tmp_path / "x" / "..")


@pytest.mark.parametrize("name", ["with a space", '# it\'s "süß"'])
def test_a_folder_with_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    try:
        embedded.attach_or_start(folder)
        with client(folder) as asked:
            assert asked.ping()
    finally:
        end_valkey(folder)


def test_what_is_left_of_a_dead_one_blocks_nothing(folder: Path) -> None:
    socket = embedded.socket_path(folder)
    socket.parent.mkdir(mode=0o700, parents=True)
    socket.write_text("not a socket")
    embedded.attach_or_start(folder)
    assert valkey_pid(folder) is not None


def test_the_last_one_ends_it_and_nobody_else(folder: Path) -> None:
    embedded.attach_or_start(folder)
    pid = valkey_pid(folder)
    other = client(folder)
    other.ping()
    embedded.stop(folder)
    assert valkey_pid(folder) == pid
    other.close()
    until = time.monotonic() + 60
    while valkey_pid(folder) is not None and time.monotonic() < until:
        embedded.stop(folder)
        time.sleep(0.1)
    assert valkey_pid(folder) is None
    embedded.stop(folder)  # ending what is not there is no error


def test_threads_of_one_process_may_ask_too(folder: Path) -> None:
    told_urls: list[str] = []
    threads = [threading.Thread(target=lambda: told_urls.append(embedded.attach_or_start(folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert told_urls == [embedded.url(folder)] * 4
