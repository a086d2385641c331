"""All words that shoppers read, as they stand in the source: `python -m tests.words de` writes the catalogue of a
language anew, with what is translated already, to `widgets/locales/de.po`; `python -m tests.words admin/it` does so
with the words of the admin."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

ROOT = Path(__file__).parents[1]
LOCALES = ROOT / "widgets" / "locales"
#: The functions whose arguments are translated, and the one that speaks to who works in the admin, wherever it stands.
FUNCTIONS = ("say", "plain", "Refused")
REMARKS = ("remark", "objection")
#: (words, plural or "") -> where they stand.
Words = dict[tuple[str, str], list[tuple[str, int]]]


def words(admin: bool = False) -> Words:
    """What is in the source, in the order of its files: for shoppers, or for who works in the admin."""
    found: Words = {}
    package = ROOT / "plugin" / "flask_upsell"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        if "demo" in parts:
            continue
        text, of_admin = path.read_text(), bool({"admin", "desk", "phrases.py", "sentences.py"} & set(parts))
        functions = (FUNCTIONS if of_admin == admin else ()) + (REMARKS if admin else ())
        _collect(found, path, _in_python(text, functions))
    for path in sorted((ROOT / "widgets" / "templates").rglob("*.*")):
        if ("admin" in path.parts) == admin:
            _collect(found, path, _in_template(path.read_text()))
    return found


def _collect(found: Words, path: Path, each: Iterator[tuple[int, tuple[str, ...]]]) -> None:
    for line, texts in each:
        found.setdefault((texts[0], texts[1] if len(texts) > 1 else ""), []).append((str(path.relative_to(ROOT)), line))


def _in_python(text: str, functions: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and _name(node.func) in functions:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if texts and len(texts) == len(node.args):
                yield node.lineno, tuple(texts)


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _in_template(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    for line, _, texts in extract_from_ast(Environment().parse(text), FUNCTIONS):
        given = texts if isinstance(texts, tuple) else (texts,)
        # What is filled in by name comes as None.
        yield line, tuple([each for each in given if each is not None])


def catalogue(name: str) -> Catalog:
    """The file of a language; empty where there is none yet."""
    path, language = LOCALES / f"{name}.po", name.rpartition("/")[2]
    if not path.exists():
        return Catalog(locale=language.replace("-", "_"))
    with path.open("rb") as file:
        return read_po(file, locale=language.replace("-", "_"))


def main(name: str) -> None:
    folder, _, language = name.rpartition("/")
    before, made = (
        catalogue(name),
        Catalog(locale=language.replace("-", "_"), project="Flask-Upsell", charset="utf-8"),
    )
    for (text, plural), places in words(folder == "admin").items():
        known = before.get(text)
        files = sorted({file for file, _ in places})
        made.add(
            (text, plural) if plural else text,
            known.string if known else None,
            [(file, None) for file in files],  # type: ignore[misc]
        )
    path = LOCALES / f"{name}.po"
    path.parent.mkdir(exist_ok=True)
    head = (f"Language: {language}", "Content-Type: text/plain; charset=utf-8", f"Plural-Forms: {made.plural_forms}")
    with path.open("wb") as file:
        # Without dates and names: the same words make the same file.
        file.write("\n".join(['msgid ""', 'msgstr ""', *(f'"{line}\\n"' for line in head), "\n"]).encode())
        write_po(file, made, width=120, omit_header=True, include_lineno=False)
    missing = [message.id for message in made if message.id and not all(_strings(message.string))]
    print(f"{path}: {len(made)} texts, {len(missing)} of them not translated yet")


def _strings(string: object) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (str(string or ""),)


if __name__ == "__main__":
    main(sys.argv[1])
