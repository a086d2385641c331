"""Plant bugs into what decides and prices, and count how many the tests find: `python -m tests.mutation`.

Needs the extra `mutation`, and works on a copy of the checkout. Not part of `make test`: a planted bug takes some
seconds, and there are thousands; `--sample` takes so many of each group, the same ones for the same `--seed`."""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE, TESTS = "plugin/flask_upsell/core", "tests/core"
#: What is mutated, and the tests that must notice.
GROUPS = {
    "conditions": ([f"{CORE}/conditions", f"{CORE}/trees.py"], [f"{TESTS}/conditions", f"{TESTS}/test_trees.py"]),
    "seasons": (
        [f"{CORE}/season.py", f"{CORE}/windows.py", f"{CORE}/goal.py"],
        [f"{TESTS}/test_season.py", f"{TESTS}/test_windows.py", f"{TESTS}/test_goal.py"],
    ),
    "pricing": (
        [f"{CORE}/pricing.py", f"{CORE}/discount.py"],
        [f"{TESTS}/test_pricing.py", f"{TESTS}/test_discount.py", f"{TESTS}/test_cases.py"],
    ),
    "eligibility": (
        [f"{CORE}/eligibility.py", f"{CORE}/ranking.py"],
        [f"{TESTS}/test_eligibility.py", f"{TESTS}/test_ranking.py", f"{TESTS}/test_cases.py"],
    ),
}
GOAL = 0.85
#: From (row, column) to (row, column).
Span = tuple[tuple[int, int], tuple[int, int]]
CONFIG = """[cosmic-ray]
module-path = {modules}
timeout = 120.0
excluded-modules = []
test-command = "{python} -m pytest -x -q -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "local"
"""


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    options.add_argument("--sample", type=int, default=60, help="mutants of each group; 0 for all, which takes hours")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; by default all")
    given = options.parse_args()
    killed = tried = 0
    with tempfile.TemporaryDirectory(prefix="upsell-mutants-") as folder:
        copy = Path(folder)
        for part in ("plugin", "tests", "widgets", "config"):
            shutil.copytree(ROOT / part, copy / part, symlinks=True)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for name in given.groups or GROUPS:
            found, of = run(copy, name, given.sample, given.seed)
            killed, tried = killed + found, tried + of
    print(f"all: {killed} of {tried} found, {killed / max(tried, 1):.1%} (goal {GOAL:.0%})")
    return 0 if killed >= GOAL * tried else 1


def run(copy: Path, name: str, sample: int, seed: int) -> tuple[int, int]:
    """How many of a group's mutants the tests found, of how many."""
    modules, tests = GROUPS[name]
    config, session = copy / f"{name}.toml", copy / f"{name}.sqlite"
    config.write_text(CONFIG.format(modules=modules, python=sys.executable, tests=" ".join(tests)))
    ray(copy, "baseline", config)
    ray(copy, "init", config, session)
    with closing(sqlite3.connect(session)) as database:
        choose(database, copy, sample, seed)
    print(f"{name}: planting", flush=True)
    ray(copy, "exec", config, session)
    with closing(sqlite3.connect(session)) as database:
        rows = database.execute("SELECT test_outcome, diff FROM work_results").fetchall()
    lived = [diff for outcome, diff in rows if str(outcome).endswith("SURVIVED")]
    for diff in lived:
        print("\n".join(line for line in diff.splitlines() if line[:1] in "+-" and line[:3] != "---"), end="\n\n")
    print(
        f"{name}: {len(rows) - len(lived)} of {len(rows)} found, {1 - len(lived) / max(len(rows), 1):.1%}", flush=True
    )
    return len(rows) - len(lived), len(rows)


def choose(database: sqlite3.Connection, copy: Path, sample: int, seed: int) -> None:
    """Leave a sample of the mutants that change what is done."""
    kept, silent = [], dict[str, list[Span]]()
    rows = database.execute(
        "SELECT job_id, module_path, start_pos_row, start_pos_col FROM mutation_specs ORDER BY rowid"
    ).fetchall()
    for job, module, row, column in rows:
        if module not in silent:
            silent[module] = list(declarations(ast.parse((copy / module).read_text())))
        if not any(start <= (row, column) < end for start, end in silent[module]):
            kept.append(job)
    if sample:
        kept = random.Random(seed).sample(kept, min(sample, len(kept)))
    dropped = [(job,) for job, *_ in rows if job not in set(kept)]
    for table in ("mutation_specs", "work_items"):
        database.executemany(f"DELETE FROM {table} WHERE job_id = ?", dropped)
    database.commit()


def declarations(tree: ast.AST) -> Iterator[Span]:
    """Where annotations, decorators and base classes stand, which do nothing when the code runs."""
    for node in ast.walk(tree):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.arg | ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            parts = [node.returns, *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list, *node.bases, *(word.value for word in node.keywords)]
        for part in filter(None, parts):
            yield (part.lineno, part.col_offset - 1), (part.end_lineno or 0, part.end_col_offset or 0)


def ray(copy: Path, *command: object) -> None:
    """Run cosmic-ray; its own words only when it fails."""
    path = os.pathsep.join([str(copy / "plugin"), os.environ.get("PYTHONPATH", "")])
    words = [sys.executable, "-m", "cosmic_ray.cli", *map(str, command)]
    done = subprocess.run(
        words, cwd=copy, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(
            f"{' '.join(words)} failed; is it there (pip install -e '.[mutation]')?\n{done.stdout}{done.stderr}"
        )


if __name__ == "__main__":
    sys.exit(main())
