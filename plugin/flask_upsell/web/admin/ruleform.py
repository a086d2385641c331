"""Rules as form fields: names are paths in the written form ("when.all.0.lines.category"), values are texts.

`typed` makes of a form what files have, finished or not; `spread` the other way, with all short forms written out, as
fields are drawn from it. Names that are free (languages, attributes) are rows: "copy.0.key" and "copy.0.value…".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ...core.conditions import CONDITIONS
from ...core.rule import Off, Rule
from ...core.trees import NAMES
from ..ruleschema import FLAGS, SHORT, SOURCES
from ..written import schema_of

Pairs = Iterable[tuple[str, str]]
#: The fields of a rule; what else a form has (tokens, versions) is not of it.
FIELDS = tuple(str(field.data_key) for field in schema_of(Rule).fields.values())
TREES = ("audience", "when")
#: Ends the name of a hidden field that says: here is a list, or a mapping, even when nothing is in it.
LIST, MAPPING = "=list", "=mapping"
#: What a kind of offer begins with.
BLANK: Mapping[str, Mapping[str, str]] = {
    "products": {"kind": "complement"},
    "category": {"kind": "complement"},
    "tag": {"kind": "complement"},
    "learned": {"kind": "complement"},
    "relative": {"kind": "upgrade"},
    "gap": {"reward": "free_shipping"},
}
#: The most steps of a field's name; nested trees have at most 10 levels.
DEEPEST = 40


def name_of(*path: str | int) -> str:
    """The name of the field at a place."""
    return ".".join(str(step).replace("%", "%25").replace(".", "%2E") for step in path)


def path_of(name: str) -> list[str]:
    return [step.replace("%2E", ".").replace("%25", "%") for step in name.split(".")]


# --- from a form -----------------------------------------------------------------------------------------------------


def typed(pairs: Pairs) -> dict[str, Any]:
    """What was typed, in the form of files. Nothing of it is judged."""
    nested: dict[str, Any] = {}
    ways: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("way."):
            ways[name.removeprefix("way.")] = value
            continue
        path = path_of(name)
        if path[0] in FIELDS and len(path) <= DEEPEST:
            _put(nested, path, value.strip())
    found: dict[str, Any] = _listed(nested)
    for name in sorted(ways, key=lambda each: -each.count(".")):
        _turned(found, path_of(name), ways[name])
    for tree in TREES:
        if tree in found:
            found[tree] = _single(_plain(found[tree]))
            if not found[tree]:
                del found[tree]
    if "offer" in found:
        _offered(found)
    if "discount" in found:
        _reduced(found)
    return found


def _put(nested: dict[str, Any], path: list[str], value: str) -> None:
    here = nested
    for step in path[:-1]:
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        here = inner
    last = path[-1]
    if last in (LIST, MAPPING):
        here.setdefault(last, "")
    elif isinstance(here.get(last), list):
        here[last].append(value)
    elif last not in here:
        here[last] = [value]


def _listed(value: Any) -> Any:
    """Numbered rows are lists, rows of key and value mappings; a field that is there once is a text."""
    if isinstance(value, list):
        return value[0] if len(value) == 1 else value
    is_list, is_mapping = LIST in value, MAPPING in value
    inner = {key: _listed(each) for key, each in value.items() if key not in (LIST, MAPPING)}
    if is_mapping and not any(isinstance(each, dict) and "key" in each for each in inner.values()):
        return inner
    if inner and all(key.isdigit() for key in inner):
        rows = [inner[key] for key in sorted(inner, key=int)]
        if all(isinstance(row, dict) and set(row) <= {"key", "value"} and "key" in row for row in rows):
            return _mapping(rows)
        return rows
    return [] if is_list and not inner else inner


def _mapping(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows with a key; one that is there twice is told apart, so that nothing is lost and both are refused."""
    found: dict[str, Any] = {}
    for row in rows:
        key, value = str(row["key"]), row.get("value", "")
        if not key and not says(value):
            continue
        while key in found:
            key += "?"
        found[key] = value
    return found


def says(value: Any) -> bool:
    """Whether anything is written in it."""
    if isinstance(value, dict):
        return any(says(each) for each in value.values())
    return any(says(each) for each in value) if isinstance(value, list) else bool(value)


def _turned(found: dict[str, Any], path: list[str], way: str) -> None:
    """A group that was all is any now."""
    try:
        node = at(found, path)
    except LookupError:
        return
    if isinstance(node, dict) and len(node) == 1 and way in NAMES:
        ((name, inner),) = node.items()
        if name in NAMES:
            node.clear()
            node[way] = inner


def _single(tree: Any) -> Any:
    """One condition needs no group around it, and an empty group is none."""
    if not isinstance(tree, dict) or len(tree) != 1:
        return tree
    ((name, inner),) = tree.items()
    if name in NAMES and not inner:
        return {}
    if name == "all" and len(inner) == 1 and isinstance(inner[0], dict) and not set(inner[0]) & set(NAMES):
        return inner[0]
    return tree


def _plain(tree: Any) -> Any:
    """Without what a form says of a condition and would be so anyhow, so that an unchanged rule stays as it was."""
    if not isinstance(tree, dict) or len(tree) != 1:
        return tree
    ((name, inner),) = tree.items()
    if name in NAMES and isinstance(inner, list):
        return {name: [_plain(each) for each in inner]}
    if name not in CONDITIONS or not isinstance(inner, dict):
        return tree
    defaults = {each.encode_name: _told(each.default) for each in msgspec.structs.fields(CONDITIONS[name])}
    return {name: {key: value for key, value in inner.items() if key == "is" or value != defaults.get(key)}}


def _told(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _offered(found: dict[str, Any]) -> None:
    given = found.pop("offer")
    if not isinstance(given, dict) or "from" not in given:
        found["offer"] = given
        return
    kind = given["from"]
    if kind in SOURCES:
        flag = SOURCES[kind] in FLAGS
        found["offer"] = {kind: "true" if flag else given.get(kind) or dict(BLANK.get(kind, {}))}


def _reduced(found: dict[str, Any]) -> None:
    given = found["discount"]
    if not isinstance(given, dict) or "off" not in given:
        return
    off = given["off"]
    if not off:
        del found["discount"]
        return
    others = {"percent", "amount", "price"} - {off}
    found["discount"] = {key: value for key, value in given.items() if key not in others}


# --- into a form -----------------------------------------------------------------------------------------------------


def spread(written: Mapping[str, Any]) -> dict[str, Any]:
    """What files have with its short forms written out; trees are groups."""
    found = dict(written)
    for tree in TREES:
        found[tree] = grouped(found.get(tree))
    offer = found.get("offer")
    if isinstance(offer, dict):
        found["offer"] = _spelled(offer)
    discount = found.get("discount")
    if isinstance(discount, dict):
        kinds = [kind.value for kind in Off if kind.value in discount]
        rest = {key: value for key, value in discount.items() if key not in ("free_shipping", "gift")}
        found["discount"] = rest if "off" in rest or not kinds else {"off": kinds[0], **rest}
    return found


def grouped(tree: Any) -> dict[str, Any]:
    """A tree as a group, its conditions with their arguments named."""
    if not isinstance(tree, dict) or len(tree) != 1:
        return {"all": []}
    made = _named(tree)
    return made if set(made) & set(NAMES) else {"all": [made]}


def _named(tree: Any) -> dict[str, Any]:
    if not isinstance(tree, dict) or len(tree) != 1:
        return {"all": []}
    ((name, given),) = tree.items()
    if name in NAMES:
        return {name: [_named(each) for each in (given if isinstance(given, list) else [given])]}
    if isinstance(given, dict):
        return {name: given}
    keys = {str(field.data_key) for field in schema_of(CONDITIONS[name]).fields.values()} if name in CONDITIONS else ()
    return {name: {"is": given} if "is" in keys else {}}


def _spelled(offer: dict[str, Any]) -> dict[str, Any]:
    kinds = [key for key in offer if key in SOURCES]
    if not kinds:
        return {}
    kind = kinds[0]
    source, given = SOURCES[kind], offer[kind]
    beside = {key: value for key, value in offer.items() if key != kind}
    if source in FLAGS:
        return {"from": kind}
    short = SHORT.get(source)
    if short is not None and not isinstance(given, dict):
        given = {str(schema_of(source).fields[short].data_key): given, **beside}
    return {"from": kind, kind: given}


# --- places ----------------------------------------------------------------------------------------------------------


def at(written: Any, path: list[str]) -> Any:
    """What stands at a place. Raises LookupError."""
    for step in path:
        if isinstance(written, list):
            if not step.isdigit() or int(step) >= len(written):
                raise LookupError(step)
            written = written[int(step)]
        elif isinstance(written, dict):
            written = written[step]
        else:
            raise LookupError(step)
    return written


def changed(written: dict[str, Any], do: str, what: str = "") -> dict[str, Any]:
    """The form after a button: "add PATH" puts `what` (a condition's code, or a group) into the list at PATH; "drop
    PATH", "up PATH" and "down PATH" move what stands there. Whatever is not possible changes nothing."""
    how, _, name = do.partition(" ")
    path = path_of(name)
    if path[0] not in TREES:
        return written
    found = {**written, path[0]: grouped(written.get(path[0]))}
    try:
        if how == "add":
            at(found, path).append(blank(what))
        else:
            _moved(at(found, path[:-1]), int(path[-1]), how)
    except (LookupError, ValueError, AttributeError):
        return written
    found[path[0]] = _single(found[path[0]])
    if not found[path[0]]:
        del found[path[0]]
    return found


def _moved(rows: list[Any], place: int, how: str) -> None:
    if how == "drop":
        del rows[place]
    elif how in ("up", "down"):
        other = place + (-1 if how == "up" else 1)
        if 0 <= other < len(rows):
            rows[place], rows[other] = rows[other], rows[place]


def blank(what: str) -> dict[str, Any]:
    """A condition, or a group, with nothing in it yet. Raises LookupError for one that is not known."""
    if what in NAMES:
        return {what: []}
    if what not in CONDITIONS:
        raise LookupError(what)
    defaults: Mapping[str, Any] = {"lines": {"match": "any"}, "coupon": {"present": "false"}}.get(what, {})
    return {what: dict(defaults)}
