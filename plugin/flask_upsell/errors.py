"""Everything this package raises on purpose.

UpsellError
├── SettingsError       a setting is missing or wrong; raised at start-up
├── MappingError        a store's columns do not fit; raised when the store adapter is made
├── BadInput            a value that came from outside is not usable; carries the field
├── TokenError          an offer token is forged, foreign or too old
├── BookError           the published book cannot be written
├── RuleError           a rule or season cannot be used, read or replaced; carries the rule
├── RuleFileError       files of rules cannot be used; carries all problems
├── StaleError          somebody else changed it meanwhile; carries how it is now
├── RiskError           it takes a second person to put this live; carries the risks
├── LearnError          orders cannot be turned into affinities
├── OrderError          an order that was placed is not known to the store
└── JobError            a job failed; says which exception it was, without what that said of people
"""

from __future__ import annotations


class UpsellError(Exception):
    """Base of all errors of this package."""


class SettingsError(UpsellError, ValueError):
    """A setting is missing or wrong. `setting` is its name; the message says what to write instead."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting


class MappingError(UpsellError, ValueError):
    """A column that a store adapter was told to use does not exist or has the wrong shape."""


class BadInput(UpsellError, ValueError):
    """A value from outside is not usable. `field` names it, `message` says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class TokenError(UpsellError):
    """A token that was not made by this store for this visitor and purpose, or is too old (`expired`)."""

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


class BookError(UpsellError):
    """The book could not be published; what was live stays live."""


class RuleError(UpsellError):
    """A rule or season cannot be used, or stored ones cannot be read (`rule` names which one), or replaced (`stale`:
    somebody else did it meanwhile)."""

    def __init__(self, message: str, *, rule: str = "", stale: bool = False) -> None:
        super().__init__(message)
        self.rule = rule
        self.stale = stale


class RuleFileError(UpsellError):
    """Files of rules or carts cannot be used. `problems`: one sentence each, with file, line and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StaleError(UpsellError):
    """Somebody else has changed meanwhile what was to be changed. `current`: how it is now."""

    def __init__(self, message: str, *, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class RiskError(UpsellError):
    """What is to go live is risky, and needs a second person who may do that and did not write it. `risks`: why."""

    def __init__(self, message: str, risks: list[object]) -> None:
        super().__init__(message)
        self.risks = risks


class LearnError(UpsellError):
    """Orders or catalogue could not be learned from; the live book is untouched."""


class OrderError(UpsellError, LookupError):
    """The store does not know an order that it says was placed."""


class JobError(UpsellError):
    """A job failed. The log of the worker has the traceback."""
