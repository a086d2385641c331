"""The tree that is drawn at the top of errors.py is the true one."""

from __future__ import annotations

import inspect
import re

from flask_upsell import errors
from flask_upsell.errors import BadInput, SettingsError, TokenError, UpsellError

CLASSES = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)}


def drawn() -> dict[str, str | None]:
    """Each error of the drawing and the one that it hangs from."""
    parents: dict[str, str | None] = {}
    at_depth: dict[int, str] = {}
    for row in (errors.__doc__ or "").splitlines():
        found = re.match(r"(?P<branch>(?:(?:│|├──|└──| ) *)*)(?P<name>[A-Z]\w+(?:Error|Input))\b", row)
        if found:
            depth = len(found["branch"]) // 4
            at_depth[depth] = found["name"]
            parents[found["name"]] = at_depth.get(depth - 1)
    return parents


def test_the_drawn_tree_is_the_true_one() -> None:
    assert drawn() == {
        name: parent.__name__ if (parent := kind.__bases__[0]) is not Exception else None
        for name, kind in CLASSES.items()
    }


def test_everything_hangs_from_one_root() -> None:
    assert len(CLASSES) >= 7
    for kind in CLASSES.values():
        assert issubclass(kind, UpsellError)
        assert kind.__doc__


def test_what_a_caller_got_wrong_is_a_value_error_too() -> None:
    assert {name for name, kind in CLASSES.items() if issubclass(kind, ValueError)} == {
        "SettingsError", "MappingError", "BadInput"}  # fmt: skip


def test_errors_carry_their_data() -> None:
    setting = SettingsError("UPSELL_MAX_OFFERS", "write a whole number")
    assert (setting.setting, str(setting)) == ("UPSELL_MAX_OFFERS", "UPSELL_MAX_OFFERS: write a whole number")
    field = BadInput("quantity", "'NaN' is not a number")
    assert (field.field, str(field)) == ("quantity", "quantity: 'NaN' is not a number")
    assert not TokenError("forged").expired
    assert TokenError("old", expired=True).expired
