"""`python -m tests.browser.run_demo …` is `flask-upsell …` of the package that the tests import.

Its store waits for Redis, and its pages may be slow: a busy machine is no reason to show no offers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

from flask_upsell.demo import cli
from flask_upsell.demo.app import create_app
from tests.patience import wait_for_redis


def patient(folder: str | Path, **config: Any) -> Flask:
    app = create_app(folder, UPSELL_SLOW_SECONDS=0, **config)
    wait_for_redis(app)
    return app


if __name__ == "__main__":
    cli.create_app = patient  # type: ignore[attr-defined]
    cli.main()
