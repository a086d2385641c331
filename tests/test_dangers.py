"""Nothing dangerous inside: each danger is looked for in the source, and each look is tried on a planted piece first.

ruff (its rules S: pickle, eval, exec, yaml, SQL, Markup, subprocess) and import-linter look for some of it too; here it
is looked for in what those cannot see (templates, script, money) and in what a `noqa` would let through.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "plugin" / "flask_upsell"
WIDGETS = ROOT / "widgets"
#: The line of what was found.
Found = Iterator[int]


def name_of(node: ast.expr) -> str:
    """ "a.b.c" of a name or attribute, "" for anything else; what is called on the way is left out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}".lstrip(".")
    return ""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield name_of(node.func), node


def imported(tree: ast.AST, names: set[str]) -> Found:
    """Where one of these modules, or a part of one, is imported; also by its name as a text."""
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and name_of(node.func).rpartition(".")[2] in ("import_module", "__import__"):
            found = [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
        if any(each == name or each.startswith(name + ".") for each in found for name in names):
            yield node.lineno  # type: ignore[attr-defined]


def is_put_together(node: ast.expr) -> bool:
    """Whether a text is made of others: f"", +, %, format, join, replace."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return not (isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant))
    return isinstance(node, ast.Call) and name_of(node.func).rpartition(".")[2] in (
        "format",
        "join",
        "replace",
        "format_map",
    )


def pickles(tree: ast.AST) -> Found:
    yield from imported(
        tree, {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "dbm"}
    )


def evaluates(tree: ast.AST) -> Found:
    for name, call in calls(tree):
        if name.removeprefix("builtins.") in ("eval", "exec", "compile", "__import__"):
            yield call.lineno
        if name.rpartition(".")[2] == "import_module" and not isinstance(call.args[0], ast.Constant):
            yield call.lineno
        if name.rpartition(".")[2] in ("render_template_string", "from_string") and not isinstance(
            call.args[0], ast.Constant
        ):
            yield call.lineno


def loads_yaml(tree: ast.AST) -> Found:
    """Anything of yaml that may make an object of a class that a file names."""
    unsafe = ("Loader", "FullLoader", "UnsafeLoader", "CLoader", "full_load", "unsafe_load", "Dumper")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and name_of(node.value) == "yaml" and node.attr in unsafe:
            yield node.lineno
    for name, call in calls(tree):
        loaders = {name_of(each.value) for each in call.keywords if each.arg == "Loader"}
        loaders |= {name_of(each) for each in call.args[1:2]}
        if name in ("yaml.load", "yaml.load_all") and loaders - {"yaml.SafeLoader", "yaml.CSafeLoader"} | (
            {"none"} if not loaders else set()
        ):
            yield call.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "yaml":
            yield node.lineno


def trusts_markup(tree: ast.AST) -> Found:
    """A text is said to be HTML that was not written here: `Markup(…)` of anything but a constant, `|safe`."""
    for name, call in calls(tree):
        if name.rpartition(".")[2] in ("Markup", "Safe") and call.args and not isinstance(call.args[0], ast.Constant):
            yield call.lineno
        if any(
            each.arg == "autoescape" and isinstance(each.value, ast.Constant) and not each.value.value
            for each in call.keywords
        ):
            yield call.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\|\s*safe\b", node.value):
            yield node.lineno


def builds_sql(tree: ast.AST) -> Found:
    """SQL that is put together from texts, or comes out of a variable."""
    from_sqlalchemy = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy")
        for alias in node.names
    }
    texts = {"sa.text", "sqlalchemy.text"} | ({"text"} & from_sqlalchemy)
    for name, call in calls(tree):
        last, first = name.rpartition(".")[2], call.args[0] if call.args else ast.Constant("")
        if last in ("execute", "executemany", "executescript", "scalars", "scalar", "sql") and is_put_together(first):
            yield call.lineno
        whole = name in texts or last in ("exec_driver_sql", "literal_column", "TextClause")
        if whole and not isinstance(first, ast.Constant):
            yield call.lineno


def starts_processes(tree: ast.AST) -> Found:
    yield from imported(tree, {"subprocess", "pty", "popen2", "multiprocessing", "asyncio.subprocess"})
    for name, call in calls(tree):
        if re.fullmatch(r"os\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*|fork\w*|startfile)", name):
            yield call.lineno
        if name.rpartition(".")[2].startswith("create_subprocess"):
            yield call.lineno


def asks_the_network(tree: ast.AST) -> Found:
    """The server fetches no address, whoever wrote it."""
    names = {"urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "ftplib", "smtplib",
             "telnetlib", "websockets", "websocket", "xmlrpc", "pycurl", "paramiko", "socketserver"}  # fmt: skip
    yield from imported(tree, names)
    for name, call in calls(tree):
        if name in ("socket.socket", "socket.create_connection") or name.rpartition(".")[2] in (
            "urlopen",
            "urlretrieve",
        ):
            yield call.lineno


def floats(tree: ast.AST) -> Found:
    """A number with a point, a division that makes one, or a name for one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno
        if isinstance(node, ast.Name) and node.id in ("float", "Float", "REAL", "DOUBLE", "Numeric"):
            yield node.lineno
        if isinstance(node, ast.Attribute) and node.attr in ("float", "fsum", "truediv"):
            yield node.lineno


def guesses(tree: ast.AST) -> Found:
    """Chance that can be guessed is no chance for keys and names."""
    yield from imported(tree, {"random"})
    for name, call in calls(tree):
        if name in ("uuid.uuid1", "uuid1", "tempfile.mktemp", "mktemp"):
            yield call.lineno


Check = Callable[[ast.AST], Found]
#: Each look, with pieces that it must find and one that it must not.
CHECKS: dict[Check, tuple[list[str], str]] = {
    pickles: (
        ["import pickle", "from pickle import loads as l", "import shelve", "import marshal as m", "__import__('dill')",
         "importlib.import_module('pickle')", "from joblib import load"],
        "import json; from . import pickle_jar",
    ),
    evaluates: (
        ["eval(x)", "exec('x')", "builtins.eval(x)", "compile(x, '', 'exec')", "__import__(x)", "import_module(name)",
         "render_template_string(rule.copy)", "env.from_string(f'{x}')"],
        "re.compile(x); evaluate(x); import_module('flask'); render_template_string('{{ x }}')",
    ),
    loads_yaml: (
        ["yaml.load(x)", "yaml.load(x, yaml.Loader)", "yaml.load(x, Loader=yaml.FullLoader)", "yaml.unsafe_load(x)",
         "yaml.full_load(x)", "from yaml import load", "yaml.load(x, Loader=mine)", "class A(yaml.Loader): pass"],
        "yaml.load(x, Loader=yaml.SafeLoader); yaml.safe_load(x); yaml.SafeDumper",
    ),
    trusts_markup: (
        ["Markup(title)", "markupsafe.Markup(f'<b>{x}')", "Markup('<b>' + x)", "render('{{ x | safe }}')",
         "Environment(autoescape=False)", "Markup('<b>%s' % x)"],
        "Markup('<b>{}</b>').format(x); Markup(''); 'is it safe'",
    ),
    builds_sql: (
        ["c.execute(f'SELECT {x}')", "c.execute('SELECT ' + x)", "c.execute('SELECT %s' % x)",
         "from sqlalchemy import text\ntext(query)",
         "c.execute('SELECT {}'.format(x))", "sa.text(f'{x}')", "c.exec_driver_sql(x)", "literal_column(x)",
         "c.execute(' '.join(x))", "session.scalars(f'{x}')", "c.exec_driver_sql('a' + x)"],
        "c.execute(select(t)); c.execute('SELECT 1'); text('sold DESC'); speech.text(value)",
    ),
    starts_processes: (
        ["import subprocess", "from subprocess import run", "os.system(x)", "os.popen('ls')", "os.execvp(x, y)",
         "os.fork()", "import multiprocessing", "asyncio.create_subprocess_exec(x)", "os.spawnl(x)"],
        "os.getpid(); os.kill(1, 2); engine.execute(x)",
    ),
    asks_the_network: (
        ["import requests", "from urllib.request import urlopen", "import http.client", "import httpx as h",
         "import urllib3",
         "socket.create_connection(x)", "urllib.request.urlopen(x)", "from http import client\nimport smtplib"],
        "from urllib.parse import quote; from http import HTTPStatus; socket.gethostname()",
    ),
    floats: (
        ["x = 0.5", "x = a / b", "x: float = 1", "float(x)", "x /= 2", "Column('p', Float)", "x = 1e3", "math.fsum(x)",
         "Column('p', sa.Numeric)\nx = Numeric"],
        "x = a // b; y: int = 3; '0.5'; Decimal('0.5')",
    ),
    guesses: (
        ["import random", "from random import choice", "uuid.uuid1()", "tempfile.mktemp()"],
        "import secrets; uuid4(); randomly",
    ),
}  # fmt: skip
#: Where money is: its values, what works it out, and what keeps it. `adapters/tables.py`: all columns but those named.
MONEY = [
    "core/money.py", "core/pricing.py", "core/discount.py", "core/goal.py", "core/perks.py", "core/rule.py",
    "till/accepting.py", "till/discounts.py", "till/wanted.py", "adapters/ledger.py", "adapters/counts.py",
    "adapters/limits.py", "adapters/tables.py", "adapters/stores/columns.py", "adapters/stores/memory.py",
    "adapters/stores/sqlalchemy.py", "core/context.py", "core/offer.py", "core/ports.py",
]  # fmt: skip
#: What may stay, with the reason: (file, look, a piece of its line).
LAST = "adapters/migrations/versions/0008_what_is_about_to_happen.py"
ALLOWED: dict[tuple[str, str, str], str] = {
    ("web/widget.py", "trusts_markup", 'Markup(f"{start}{nonce}'): "our two elements: an escaped path and nonce",
    ("web/widget.py", "trusts_markup", "Markup(blank.filled({TOKEN: token"): "what our template made, autoescaped",
    ("web/widget.py", "trusts_markup", 'Markup(f"{HOLE}{CSRF}{HOLE}")'): "our own mark of a hole",
    ("web/widget.py", "trusts_markup", 'Markup(blank.filled({TOKEN: ""'): "what our template made, autoescaped",
    ("web/widget.py", "trusts_markup", "Markup(field)"): "the store's own hidden field, which it says is HTML",
    ("web/speech.py", "trusts_markup", "Markup(FSI)"): "one constant character",
    (
        "learn/engines/duckdb.py",
        "builds_sql",
        "SET temp_directory",
    ): "a folder of ours; SET takes no parameters; quoted",
    ("learn/engines/duckdb.py", "builds_sql", "SET memory_limit"): "a setting of the operator; no parameters; quoted",
    ("learn/engines/duckdb.py", "builds_sql", "DROP TABLE IF EXISTS {table}"): "names that stand in learning's files",
    (
        "learn/engines/duckdb.py",
        "builds_sql",
        "self.execute(",
    ): "COPY of a file of ours; it takes no parameters; quoted",
    ("learn/split.py", "builds_sql", "ATTACH"): "a file of ours; ATTACH takes no parameters; quoted",
    ("learn/engines/spark.py", "builds_sql", "CREATE DATABASE"): "a name and folder of ours; no parameters; quoted",
    ("learn/engines/spark.py", "builds_sql", "DROP DATABASE"): "a name of ours",
    ("web/worker.py", "starts_processes", "import multiprocessing"): "the worker's own child; no page runs this",
    ("demo/cli.py", "starts_processes", "import subprocess"): "the demo starts its worker and server",
    ("demo/embedded.py", "starts_processes", "import subprocess"): "the demo starts its Valkey",
    ("demo/cli.py", "asks_the_network", "socket.socket() as probe"): "the demo looks whether its port is free",
    ("demo/history.py", "guesses", "from random import"): "sample orders, the same each time",
    (
        "adapters/audit_tables.py",
        "builds_sql",
        "connection.exec_driver_sql(statement)",
    ): "triggers that stand in this file",
    ("adapters/checks.py", "builds_sql", "condition = text(where)"): "conditions that stand in this file",
    ("adapters/migrate.py", "builds_sql", "DROP TABLE IF EXISTS {VERSION_TABLE}"): "a constant",
    ("adapters/removal.py", "builds_sql", "DROP TABLE IF EXISTS {VERSION_TABLE}"): "a constant",
    (LAST, "builds_sql", "batch_op.create_check_constraint("): "conditions that stand in this file",
    (LAST, "builds_sql", "condition = sa.text(where)"): "conditions that stand in this file",
    ("adapters/tables.py", "floats", 'Column("weight", Float'): "how strongly products go together",
    ("adapters/tables.py", "floats", 'Column("worth", Float'): "what suggestions are sorted by; no amount",
    ("core/offer.py", "floats", "score: float"): "what ranks an offer; no amount",
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def files_of(check: Check) -> list[Path]:
    if check is floats:
        return [PACKAGE / name for name in MONEY]
    return sorted(path for path in PACKAGE.rglob("*.py") if "widgets" not in path.parts)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_look_finds_what_is_planted(check: Check) -> None:
    """Each of them alone; and nothing in what is only alike."""
    bad, good = CHECKS[check]
    for piece in bad:
        assert list(check(ast.parse(piece))), piece
    assert list(check(ast.parse(good))) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_dangerous_is_inside(check: Check) -> None:
    """But for what is allowed, for a reason; and every allowance is needed."""
    allowed = {key: 0 for key in ALLOWED if key[1] == check.__name__}
    found = []
    for path in files_of(check):
        name, lines = path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8").splitlines()
        for number in sorted(set(check(tree(path)))):
            keys = [key for key in allowed if key[0] == name and key[2] in lines[number - 1]]
            for key in keys:
                allowed[key] += 1
            if not keys:
                found.append(f"{name}:{number}: {lines[number - 1].strip()}")
    assert not found, "\n".join(found)
    assert [key for key, times in allowed.items() if not times] == [], "allowed, but not there any more"


def test_money_columns_are_whole_numbers() -> None:
    """In the tables themselves, whatever the source looks like."""
    from flask_upsell.adapters.tables import metadata

    kinds = {
        f"{table.name}.{column.name}": column.type.python_type
        for table in metadata.tables.values()
        for column in table.columns
        if re.search(r"price|amount|revenue|normal|used(?!_at)|budget|taken|quantity", column.name)
    }
    assert len(kinds) >= 8
    assert set(kinds.values()) == {int}, kinds


def test_whoever_silences_a_rule_about_danger_says_why() -> None:
    """`noqa: S…` with a reason in parentheses, in the package; tests may do as they like."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if "noqa: S" in line:
                assert re.search(r"noqa: S\d+ \(.{8,}\)", line), f"{path.relative_to(PACKAGE)}:{number}: say why"


# --- what browsers get ------------------------------------------------------------------------------------------------

#: Neither a text that becomes markup or script, nor a look at what shoppers type or at what the browser keeps.
IN_SCRIPTS = {
    "text becomes markup": r"(?:inner|outer|insertAdjacent|set|parse)HTML|document\.write|createContextualFragment"
    r"|DOMParser|srcdoc",
    "text becomes script": r"\beval\s*\(|new\s+Function|\bFunction\s*\(|set(?:Timeout|Interval)\s*\(\s*[\"'`]"
    r"|javascript:|createElement\(\s*[\"'`](?:script|iframe)|\.setAttribute\(\s*[\"'`]on",
    "reads what is typed": r"querySelector(?:All)?\([^)]*\b(?:input|textarea)\b"
    r"|getElementsByTagName\(\s*[\"'`](?:input|select)|\.value\b|document\.forms|addEventListener\(\s*[\"'`](?:key|input|change|paste|copy|beforeinput|blur)"
    r"|\bon(?:key|input|change|paste)\w*\s*=",
    "keeps something": r"document\.cookie|cookieStore|localStorage|sessionStorage|indexedDB|\bcaches\b|serviceWorker",
    "asks another host": r"https?://|[\"'`]//|\bimport\s*\(|\bfetch\s*\(|WebSocket|EventSource|sendBeacon"
    r"|postMessage|new\s+Image",
    "merges what it is given": r"Object\.assign|__proto__|\.prototype\s*[=\[]|JSON\.parse|structuredClone",
}  # fmt: skip
#: The desk has no shoppers: its forms hold what was chosen, its pages load our own scripts.
IN_DESK_TEMPLATES = {
    "trusts a text": r"\|\s*safe\b|autoescape\s+false|\|\s*(?:tojson|urlize|striptags|forceescape)\b",
    "script or its events": r"<script(?![^>]*\ssrc=)|<object|<embed|<base\b|\son\w+\s*=|javascript:|srcdoc=|hx-on|js:",
    "style in an element": r"\sstyle\s*=",
    "another host": r"(?:src|href|action|srcset|poster)\s*=\s*[\"'](?:https?:)?//",
}
IN_TEMPLATES = {
    "trusts a text": r"\|\s*safe\b|autoescape\s+false|\|\s*(?:tojson|xmlattr|urlize|striptags|forceescape)\b",
    "script or its events": r"<script|<iframe|<object|<embed|<base\b|\son\w+\s*=|javascript:|srcdoc=|<svg",
    "style in an element": r"\sstyle\s*=",
    "another host": r"(?:src|href|action|srcset|poster)\s*=\s*[\"'](?:https?:)?//",
    "picked beforehand": r"\schecked\b|\sselected\b",
}
PLANTED = {
    "text becomes markup": "x.innerHTML = y",
    "text becomes script": "setTimeout('x()')",
    "reads what is typed": "form.querySelector('input[name=card]')",
    "keeps something": "localStorage.x = 1",
    "asks another host": "fetch(url)",
    "merges what it is given": "Object.assign(a, JSON.parse(b))",
    "trusts a text": "{{ card.title | safe }}",
    "script or its events": '<p onclick="x">',
    "style in an element": '<p style="color:red">',
    "another host": '<img src="https://cdn.example/x">',
    "picked beforehand": '<input type="checkbox" checked>',
}
#: (file, danger): why it may.
WIDGETS_MAY = {
    ("static/admin/admin.js", "keeps something"): "what was typed, for when a session has run out",
    ("static/admin/admin.js", "reads what is typed"): "the same",
    ("static/admin/pick.js", "reads what is typed"): "the search as somebody types",
    ("templates/upsell/mail.txt", "trusts a text"): "a mail of text: escaping would be read by people",
    ("templates/upsell/mail.html", "style in an element"): "mail programs know no other styles",
}


def found_in(text: str, dangers: dict[str, str]) -> set[str]:
    return {name for name, pattern in dangers.items() if re.search(pattern, text)}


def without_comments(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", text, flags=re.S)
    return re.sub(r"\{#.*?#\}", "", text, flags=re.S)


@pytest.mark.parametrize("danger", PLANTED)
def test_the_look_at_widgets_finds_what_is_planted(danger: str) -> None:
    assert danger in found_in(PLANTED[danger], {**IN_SCRIPTS, **IN_TEMPLATES})


def test_every_danger_of_widgets_is_tried() -> None:
    assert set(PLANTED) == {*IN_SCRIPTS, *IN_TEMPLATES}


def widgets() -> list[Path]:
    return [
        *sorted(WIDGETS.glob("static/*.js")),
        WIDGETS / "static" / "admin" / "admin.js",
        WIDGETS / "static" / "admin" / "pick.js",
        *sorted(path for path in WIDGETS.rglob("templates/**/*") if path.is_file()),
    ]


@pytest.mark.parametrize("path", widgets(), ids=lambda path: path.name)
def test_nothing_dangerous_is_in_a_widget(path: Path) -> None:
    name = path.relative_to(WIDGETS).as_posix()
    templates = IN_DESK_TEMPLATES if "admin" in path.parts else IN_TEMPLATES
    found = found_in(without_comments(path), IN_SCRIPTS if path.suffix == ".js" else templates)
    allowed = {danger for file, danger in WIDGETS_MAY if file == name}
    assert found - allowed == set(), f"{name}: {found - allowed}"
    assert allowed <= found, f"{name} may do what it does not"


def test_no_style_asks_another_host() -> None:
    for path in WIDGETS.rglob("*.css"):
        assert not re.search(r"@import|url\(|expression\(|https?://", path.read_text(encoding="utf-8")), path
