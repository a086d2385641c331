"""A proxy between the plugin and its Valkey, in a thread of its own, that does to answers what a bad network does.

    with Proxy("/run/v.sock") as proxy:     # proxy.url is for UPSELL_REDIS_URL
        proxy.mode = Drip(0.2)

A mode holds for what passes from now on, also on connections that are open already; `Refuse` also closes those.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Pass:
    """Nothing is done to it."""


@dataclass(frozen=True)
class Delay:
    """Each answer comes so many seconds later."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """A black hole: what is sent is taken and never answered."""


@dataclass(frozen=True)
class Cut:
    """After so many bytes of an answer the connection ends."""

    after: int


@dataclass(frozen=True)
class Drip:
    """A byte of the answer each so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Garbage:
    """Something is answered that is no answer."""

    answer: bytes = b"\x00\xff$-7\r\n!garbage\r\n"


@dataclass(frozen=True)
class Reset:
    """The connection is reset as soon as something is asked."""


@dataclass(frozen=True)
class Refuse:
    """Nobody listens."""


Mode = Pass | Delay | Hang | Cut | Drip | Garbage | Reset | Refuse


class Proxy:
    """See above. `connections` counts those that were made, `asked` what was sent on them."""

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._mode: Mode = Pass()
        self.connections = self.asked = self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        asyncio.run_coroutine_threadsafe(self._change(mode), self._loop).result(60)

    def __enter__(self) -> Proxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _change(self, mode: Mode) -> None:
        refuses, self._mode = isinstance(self._mode, Refuse), mode
        if isinstance(mode, Refuse) and self._server is not None:
            self._server.close()
            self._server = None
            self._close_all()
        elif refuses and not isinstance(mode, Refuse):
            await self._listen()

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        ended: set[asyncio.Task[None]] = set()
        # Also what was accepted just now and is not served yet: a socket that is left open fails the test that is next.
        while len(asyncio.all_tasks()) > 1:
            self._close_all()
            for task in self._tasks - ended:
                task.cancel()
                ended.add(task)
            await asyncio.sleep(0.001)
        self._close_all()
        for _ in range(3):  # transports that are aborted close in the loop's next round
            await asyncio.sleep(0)

    def _close_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        behind: asyncio.StreamWriter | None = None
        try:
            answers, behind = await asyncio.open_unix_connection(self._backend)
            back = asyncio.create_task(self._answer(answers, writer))
            try:
                await self._ask(reader, behind, writer)
            finally:
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for each in (writer, behind):
                if each is not None:
                    each.transport.abort()
            self._open.discard(writer)
            self._tasks.discard(task)

    async def _ask(
        self, reader: asyncio.StreamReader, behind: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65_536):
            self.asked += 1
            mode = self._mode
            if isinstance(mode, Hang):
                continue
            if isinstance(mode, Reset):
                _reset(writer)
                return
            if isinstance(mode, Garbage):
                writer.write(mode.answer)
                await writer.drain()
                continue
            behind.write(data)
            await behind.drain()

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await answers.read(65_536):
                mode = self._mode
                if isinstance(mode, Hang):
                    continue
                if isinstance(mode, Delay):
                    await asyncio.sleep(mode.seconds)
                elif isinstance(mode, Cut):
                    writer.write(data[: mode.after])
                    await writer.drain()
                    break
                elif isinstance(mode, Drip):
                    for place in range(len(data)):
                        writer.write(data[place : place + 1])
                        await writer.drain()
                        await asyncio.sleep(mode.seconds)
                    continue
                writer.write(data)
                await writer.drain()
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of a goodbye."""
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
