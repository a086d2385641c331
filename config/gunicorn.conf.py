"""gunicorn: `gunicorn -c config/gunicorn.conf.py 'shop:create_app()'`.

Forks may share no socket. Nothing of Flask-Upsell is connected before the first request, and what a fork finds of its
parent it drops (`forked`), so preloading is safe; your own engines and clients need the same care in `post_fork`.
"""

import os
import shutil
from pathlib import Path
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
preload_app = True
timeout = 30
graceful_timeout = 20
keepalive = 5
# The book of a process grows with what its shoppers look at, up to 60 MB; a new one now and then does no harm.
max_requests = 100_000
max_requests_jitter = 10_000


# Counters of the last run would be added to those of this one. Set PROMETHEUS_MULTIPROC_DIR outside, before Python
# starts: without it each answer of /upsell/metrics is about one worker only.
if _folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    shutil.rmtree(_folder, ignore_errors=True)
    Path(_folder).mkdir(parents=True)


def post_fork(server: Any, worker: Any) -> None:
    """Drop what belongs to the parent, before the first request."""
    for name, parts in getattr(_flask(worker), "extensions", {}).items():
        if name == "upsell" or name.startswith("upsell_"):
            parts.forked()


def child_exit(server: Any, worker: Any) -> None:
    """What a worker said of its breakers goes with it."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _flask(worker: Any) -> Any:
    """The Flask app, also within middleware such as ProxyFix."""
    app = getattr(worker.app, "callable", None)
    while app is not None and not hasattr(app, "extensions"):
        app = getattr(app, "app", None) or getattr(app, "wsgi_app", None)
    return app
