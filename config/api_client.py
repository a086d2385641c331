"""A client of Flask-Upsell's REST API, with nothing but Python's standard library. Copy it, and change what you like.

api = Api("https://shop.example/upsell/api/v1", os.environ["UPSELL_KEY"])
for rule in api.every("/rules", status="active"):
    print(rule["name"])

python api_client.py https://shop.example/upsell/api/v1 /rules      # the key is in UPSELL_KEY
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen
from uuid import uuid4


class Answer(NamedTuple):
    """What came back. `etag`: send it as `etag` with what you change."""

    status: int
    body: Any
    etag: str
    location: str


class Problem(Exception):
    """The API said no. `errors` tells at which fields; `kind` such as "urn:flask-upsell:stale"."""

    def __init__(self, status: int, given: dict[str, Any]) -> None:
        wrong = "".join(
            f"\n  {each.get('pointer') or each.get('parameter') or each.get('field', '')}: {each['detail']}"
            for each in given.get("errors", [])
        )
        super().__init__(f"{status} {given.get('detail', '')}{wrong}")
        self.status, self.kind = status, str(given.get("type", ""))
        self.errors: list[dict[str, str]] = given.get("errors", [])
        self.current: dict[str, Any] | None = given.get("current")


class Api:
    """`key` is a machine's, "upk_…"; an owner makes it on the admin's page API, or by `flask upsell keys make`."""

    def __init__(self, address: str, key: str, *, seconds: float = 10, tries: int = 3) -> None:
        if not address.startswith(("https://", "http://")):
            raise ValueError(f"{address!r} is no address of an API: it begins with https://")
        self.address, self._key, self._seconds, self._tries = address.rstrip("/"), key, seconds, tries

    def ask(self, method: str, path: str, body: Any = None, *, etag: str = "", why: str = "", **query: Any) -> Answer:
        """One request. It is sent again where the network failed or the shop was busy; a POST has a key of its own, so
        that it is done once. Raises Problem; OSError when nobody answers."""
        address = self.address + quote(path) + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = uuid4().hex
            body = {} if body is None else body
        if body is not None:
            headers["Content-Type"] = "application/json"
        if etag:
            headers["If-Match"] = etag
        if why:
            headers["X-Upsell-Why"] = why.encode().decode("latin-1")
        request = Request(address, None if body is None else json.dumps(body).encode(), headers, method=method)  # noqa: S310 (the scheme is known)
        for again in range(self._tries - 1, -1, -1):
            try:
                with urlopen(request, timeout=self._seconds) as answer:  # noqa: S310
                    text, found = answer.read(), answer.headers
                    return Answer(
                        answer.status,
                        json.loads(text) if text else None,
                        found.get("ETag", ""),
                        found.get("Location", ""),
                    )
            except HTTPError as error:
                with error:
                    text = error.read()
                if not again or error.code not in (429, 503):
                    problem = error.headers.get_content_type() == "application/problem+json"
                    raise Problem(error.code, json.loads(text) if problem else {"detail": error.reason}) from None
                time.sleep(min(float(error.headers.get("Retry-After") or 1), self._seconds))
            except OSError:
                if not again:
                    raise
                time.sleep(0.2)
        raise AssertionError("tries is 1 at least")

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, **query).body

    def every(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """All items of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            found = self.get(path, **{**query, "cursor": cursor} if cursor else query)
            yield from found["items"]
            cursor = found["next"]

    def change_rule(self, name: str, **fields: Any) -> dict[str, Any]:
        """Put other fields of a live rule live, such as most=2. Raises Problem: 409 for a risky one, which takes a
        second person, or when somebody else was faster."""
        draft = self.ask("POST", "/drafts", {"kind": "rule", "origin": name})
        saved = self.ask(
            "PUT", f"/drafts/{draft.body['id']}", {"written": {**draft.body["written"], **fields}}, etag=draft.etag
        ).body
        named = {"id": saved["id"], "version": saved["version"]}
        done: dict[str, Any] = self.ask("POST", "/drafts/publish", {"drafts": [named]}).body
        return done

    def move_rule(self, name: str, way: str, target: str = "") -> dict[str, Any]:
        """Put a rule at another place: `up` or `down`, or `before` or `after` the rule `target`."""
        done: dict[str, Any] = self.ask("POST", f"/rules/{name}/move", {"way": way, "target": target}).body
        return done

    def export(self, what: str) -> str:
        """The text of a file: "rules" (YAML), "ladders", "pairs", "products" or "results" (CSV)."""
        return str(self.get(f"/exports/{what}")["text"])

    def check_import(self, what: str, text: str, **more: Any) -> dict[str, Any]:
        """What a file of "rules" (YAML), "ladders", "pairs", "products" or "orders" (CSV) would change. Nothing is
        changed yet. Raises Problem with what is wrong at which line."""
        found: dict[str, Any] = self.ask("POST", "/imports", {"what": what, "text": text, **more}).body
        return found

    def apply_import(self, looked_at: dict[str, Any]) -> dict[str, Any]:
        """Do what `check_import` said. Raises Problem: 409 when it would do something else now. Rules and ladders
        become drafts, which are put live by POST /drafts/publish."""
        path = f"/imports/{looked_at['id']}/apply"
        done: dict[str, Any] = self.ask("POST", path, {"seal": looked_at["seal"]}).body
        return done


def main() -> None:
    address, path = sys.argv[1:]
    json.dump(Api(address, os.environ["UPSELL_KEY"]).get(path), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
