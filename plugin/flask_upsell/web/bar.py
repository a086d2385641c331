"""A progress bar on a terminal."""

from __future__ import annotations

import sys
import time

import click


class Bar:
    """A progress bar a step; without a known total it counts."""

    def __init__(self) -> None:
        self._step = ""
        self._tty = sys.stderr.isatty()
        self._told = 0.0

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._step and self._tty:
            click.echo(err=True)

    def show(self, step: str, done: int, total: int) -> None:
        if step != self._step and self._step and self._tty:
            click.echo(err=True)
        ended = bool(total) and done >= total
        if not self._tty and step == self._step and not ended and time.monotonic() - self._told < 5:
            return
        self._step, self._told = step, time.monotonic()
        if total and done <= total:
            filled = 24 * done // total
            line = f"{step:<24} [{'#' * filled}{'-' * (24 - filled)}] {done:,} of {total:,}"
        else:
            line = f"{step:<24} {done:,}" if done else f"{step:<24} ..."
        click.echo(f"\r\033[K{line}" if self._tty else line, nl=not self._tty, err=True)
