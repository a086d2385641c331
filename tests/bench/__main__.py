"""Measure and report; exit code 0 unless something could not be run."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from . import added, desk, learning, load, parts, report, rules, served, servers


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument(
        "--seconds", type=int, default=10, help="of load on each route; 2 is the least, 10 the default"
    )
    options.add_argument(
        "--client", choices=("wrk", "python"), help="who makes the load; by default wrk if it is there"
    )
    options.add_argument(
        "--part",
        choices=("serving", "desk", "learn", "all"),
        default="serving",
        help="what shoppers wait for, what merchants wait for in large shops (minutes), how learning grows with a shop "
        "(minutes), or all of it",
    )
    options.add_argument(
        "--lines", type=int, default=learning.LINES, help="order lines of the smallest shop learned from"
    )
    options.add_argument("--times", default="1,4,16", help="how many times as large the shops are")
    options.add_argument("--memory", default="1GB", help="that learning has (UPSELL_LEARN_MEMORY)")
    options.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb", help="of learning")
    given = options.parse_args()
    seconds, by = max(2, given.seconds), load.client(given.client)
    started = time.monotonic()
    # Ended from outside, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    numbers: dict[str, float] = {}
    if given.part in ("learn", "all"):
        numbers |= learning.measure(
            say, given.lines, [int(each) for each in given.times.split(",")], given.memory, given.engine
        )
        report.show_learning(numbers)
    if given.part == "learn":
        report.write(numbers)
        report.judge(numbers)
        return 0
    say("a Valkey, and a book of 5,000 products")
    with servers.valkey() as url:
        if given.part != "desk":
            numbers |= served.measure(url, seconds, by, say)
            numbers |= added.measure(url, seconds, say)
            numbers |= parts.measure(url, seconds, say)
            numbers |= rules.measure(seconds, say)
        if given.part != "serving":
            numbers |= desk.measure(url, seconds, say)
    if given.part != "desk":
        report.show(numbers, by)
    if given.part != "serving":
        report.show_desk(numbers)
    report.write(numbers)
    report.judge(numbers)
    say("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
