"""The wheel, built and installed into a fresh environment: everything is in it and works from there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

SCRIPT = """
import flask_upsell, sys
from pathlib import Path
from flask import Flask, render_template_string
from flask_upsell import Line, MemoryStore, Product, Upsell
from flask_upsell.core.affinity import Affinities, Affinity

assert Path(flask_upsell.__file__).is_relative_to(sys.prefix), flask_upsell.__file__
app = Flask("elsewhere")
app.config.update(SECRET_KEY="5f0c1d7be8a24936d1f6c07e9b3a8452ce71f09d46b83a25170be9c48d62fa3b")
app.config.update(UPSELL_DATABASE_URL="sqlite:///served.db", UPSELL_REDIS_URL="unix:///nobody.sock")
store = MemoryStore([Product("a", "A laptop", 100, "EUR"), Product("b", "A bag", 50, "EUR")])
store.carts["visitor"] = [Line("1", "a", 1, 100)]
Upsell(app, store=store)
shelf = app.extensions["upsell"].offers.shelf
from flask_upsell.core.book import Book
book = Book("1.0", store.shelf, {"a": Affinities((), (Affinity("b", 1.0, 38, 412, 60, 600),))})
shelf.read = lambda refs: book
app.add_url_rule("/", "cart", lambda: render_template_string("{{ upsell('cart') }}"))
client = app.test_client()
page = client.get("/").text
assert 'data-upsell-product="b"' in page, page
assert "Bought together in 38 of 412 orders with A laptop" in page
for name in ("upsell.js", "upsell.css"):
    answer = client.get("/upsell/static/" + name)
    assert answer.status_code == 200 and len(answer.data) > 500, name
result = app.test_cli_runner().invoke(args=["upsell", "db", "upgrade"])
assert result.exit_code == 0, result.output
app.extensions["upsell"].offers.ledger.ping()
print("served")
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command that must succeed, in an environment without our paths."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "COV_"))}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, so that nothing of an older build gets in and nothing is left behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    rubbish = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("plugin", "widgets", "config"):
        shutil.copytree(ROOT / folder, source / folder, symlinks=True, ignore=rubbish)
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    alone: list[str | Path] = ["--no-isolation"] if importlib.util.find_spec("setuptools") else []
    run(sys.executable, "-m", "build", "--wheel", *alone, "--outdir", out, source, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The programs of a fresh environment with nothing but the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, with_pip=True)
    flags: list[str | Path] = ["--quiet", "--disable-pip-version-check", "-c", ROOT / "config" / "constraints.txt"]
    run(folder / "bin" / "python", "-m", "pip", "install", *flags, wheel, cwd=folder)
    yield folder / "bin"
    shutil.rmtree(folder, ignore_errors=True)


def test_everything_is_in_the_wheel(wheel: Path) -> None:
    """Shown red with `package_data` of `flask_upsell.web` taken out of setup.cfg."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    here = ROOT / "plugin" / "flask_upsell"
    wanted = {str(path.relative_to(here.parent)) for path in here.rglob("*.py")}
    patterns = ("learn/sql/*.sql", "demo/templates/**/*.html", "demo/static/**/*", "adapters/migrations/**/*.mako")
    for pattern in (*patterns, "demo/config/seasons.yaml", "demo/config/rules/demo.yaml"):
        found = [path for path in here.glob(pattern) if path.is_file()]
        assert found, pattern
        wanted |= {str(path.relative_to(here.parent)) for path in found}
    for pattern in ("templates/**/*.html", "templates/**/*.txt", "static/**/*", "locales/**/*.po"):
        found = [path for path in (ROOT / "widgets").glob(pattern) if path.is_file()]
        assert found, pattern
        wanted |= {f"flask_upsell/web/widgets/{path.relative_to(ROOT / 'widgets')}" for path in found}
    wanted.add("flask_upsell/py.typed")
    # Alembic's template for new migrations is for developers, who have the sources.
    wanted -= {name for name in wanted if name.endswith(".mako")}
    assert wanted - names == set()


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        info = next(name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = archive.read(info).decode()
    assert len(tops) == 2
    assert "flask_upsell" in tops
    assert "Name: Flask-Upsell" in metadata
    assert "License-Expression: MIT" in metadata


def test_a_widget_is_served_from_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text(SCRIPT)
    assert run(installed / "python", "-I", tmp_path / "serve.py", cwd=tmp_path).strip() == "served"


def test_the_command_is_there(installed: Path, tmp_path: Path) -> None:
    assert "demo" in run(installed / "flask-upsell", "--help", cwd=tmp_path)
    assert "--port" in run(installed / "flask-upsell", "demo", "--help", cwd=tmp_path)


def test_learning_without_its_extra_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    code = (
        "from flask import Flask; from flask_upsell import *;"
        "app = Flask('x'); app.config.update(UPSELL_DATABASE_URL='sqlite:///x.db',"
        " SECRET_KEY='5f0c1d7be8a24936d1f6c07e9b3a8452ce71f09d46b83a25170be9c48d62fa3b');"
        "Upsell(app, store=MemoryStore()); run = app.test_cli_runner().invoke;"
        "run(args=['upsell', 'db', 'upgrade']); print(run(args=['upsell', 'learn', '--here']).output)"
    )
    assert "pip install 'Flask-Upsell[learn]'" in run(installed / "python", "-I", "-c", code, cwd=tmp_path)
