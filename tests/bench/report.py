"""The table on the terminal, build/bench.json, and whether the goals are reached."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "build" / "bench.json"
ROWS = (
    ("constant", "bare Flask, a constant of 1 KB"),
    ("get", "bare Flask, one GET of 2 KB"),
    ("warm", "the widget, warm copy of the book"),
    ("varied", "the same, each time another cart"),
    ("cold", "the widget, cold copy of the book"),
    ("first", "the same, nothing kept at all"),
)
#: name, at least or at most, goal
GOALS: tuple[tuple[str, str, float], ...] = (
    ("serving.widget_vs_get.warm", ">=", 0.9),
    ("serving.widget_vs_get.cold", ">=", 0.6),
    ("serving.added_ms.p50.warm", "<=", 0.3),
    ("serving.rules_added_ms.p50.500", "<=", 0.25),
    ("serving.rules_added_ms.p50.10000", "<=", 1.0),
    ("desk.rule_list_ms.p50", "<=", 300),
    ("desk.rule_search_ms.p50", "<=", 150),
    ("desk.preview_ms.p50", "<=", 150),
    ("desk.suggestions_ms.sqlite.slowest", "<=", 300),
    ("desk.suggestions_ms.postgresql.slowest", "<=", 300),
    ("desk.picker_ms.slowest", "<=", 200),
    # Of linear growth. Seconds of processors: those of the clock are also other programs'.
    ("learn.pairs.cpu_seconds_growth.4", "<=", 1.3),
    ("learn.pairs.cpu_seconds_growth.16", "<=", 1.3),
    ("learn.all.cpu_seconds_growth.4", "<=", 1.3),
    ("learn.all.cpu_seconds_growth.16", "<=", 1.3),
)
HOLDS: dict[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


def show(numbers: Mapping[str, float], by: str) -> None:
    """Print everything that was measured."""
    print(f"\nOne granian with one WSGI worker each, Valkey on a unix socket, load by {by}. Medians of the rounds.\n")
    print(
        f"{'':36}{'req/s':>8}{'best':>8}{'p50 us':>8}{'p99 us':>9}{'CPU us':>8}{'reads':>7}{'x GET':>7}{'x const':>9}"
    )
    for name, title in ROWS:
        each = [numbers[f"serving.{column}.{name}"] for column in ("per_second", "per_second_best", "p50_us", "p99_us")]
        cpu, reads = numbers[f"serving.cpu_us.{name}"], numbers[f"serving.book_reads.{name}"]
        ratios = [numbers.get(f"serving.widget_vs_{other}.{name}") for other in ("get", "constant")]
        cells = "".join(f"{value:{width}.0f}" for value, width in zip([*each, cpu], (8, 8, 8, 9, 8), strict=True))
        beside = "".join(
            f"{'' if ratio is None else f'{ratio:.2f}':>{width}}" for ratio, width in zip(ratios, (7, 9), strict=True)
        )
        print(f"{title:36}{cells}{reads:7.2f}{beside}")
    print(f"\n{'Added to a cart page of 5 lines, ms':36}{'p50':>8}{'p99':>8}{'the page alone':>17}")
    for copy in ("warm", "cold"):
        p50, p99 = (numbers[f"serving.added_ms.{percent}.{copy}"] for percent in ("p50", "p99"))
        print(f"{copy:36}{p50:8.3f}{p99:8.3f}{numbers[f'serving.page_ms.p50.{copy}']:17.3f}")
    print("\nParts of it, in microseconds")
    start = "serving.part_us."
    parts = [(name.removeprefix(start), value) for name, value in numbers.items() if name.startswith(start)]
    for at in range(0, len(parts), 4):
        print("  " + "".join(f"{name:18}{value:8.1f}   " for name, value in parts[at : at + 4]))


def show_desk(numbers: Mapping[str, float]) -> None:
    """Print what merchants wait for."""
    print("\nThe merchant's pages in large shops: milliseconds of the server (…_s: seconds)")
    for name, value in numbers.items():
        if name.startswith("desk."):
            print(f"  {name.removeprefix('desk.'):44}{value:10.1f}")


def show_learning(numbers: Mapping[str, float]) -> None:
    """Print how learning grows with a shop: a line for each figure, a column for each size."""
    sizes = sorted({int(name.rpartition(".")[2]) for name in numbers if name.startswith("learn.")})
    print("\nLearning from a made-up shop, and from larger ones (…_growth: seconds of linear, memory of the smallest)")
    print(f"{'':36}" + "".join(f"{f'{size} x':>14}" for size in sizes))
    for figure in dict.fromkeys(name.rpartition(".")[0] for name in numbers if name.startswith("learn.")):
        cells = "".join(f"{numbers.get(f'{figure}.{size}', 0):14,.2f}" for size in sizes)
        print(f"  {figure.removeprefix('learn.'):34}{cells}")


def judge(numbers: Mapping[str, float]) -> None:
    """Print for each goal whether it is reached."""
    print()
    for name, sign, goal in GOALS:
        if name not in numbers:  # of a part that was not run
            continue
        value = numbers[name]
        print(f"{'reached' if HOLDS[sign](value, goal) else 'missed ':8}{name} = {value:.3f} (goal {sign} {goal})")


def write(numbers: Mapping[str, float]) -> None:
    """A flat object of name -> number; what was measured before of parts that were not run now stays."""
    RESULTS.parent.mkdir(exist_ok=True)
    before: dict[str, float] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    ran = {name.partition(".")[0] for name in numbers}
    kept = {name: value for name, value in before.items() if name.partition(".")[0] not in ran}
    RESULTS.write_text(
        json.dumps({**kept, **{name: round(value, 4) for name, value in numbers.items()}}, indent=1) + "\n"
    )
    print(f"\nwritten: {RESULTS.relative_to(ROOT)}")
