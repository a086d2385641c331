"""Log records as lines of JSON, with what Flask-Upsell says of them: `logging.config.dictConfig(LOGS)`.

Each of its records (logger `flask_upsell`) has `upsell_reason` (what happened, such as "redis_read" or "accepted"),
`upsell_instance`, `upsell_placement` and `upsell_decision`, which is the same where offers were shown (`offers_shown`,
its `decision.id`) and where one of them was accepted or declined. None of it names a person.
"""

import json
import logging
from datetime import UTC, datetime

FIELDS = ("upsell_reason", "upsell_instance", "upsell_placement", "upsell_decision")


class JSONLines(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in FIELDS if (value := getattr(record, name, ""))}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JSONLines}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "root": {"level": "INFO", "handlers": ["out"]},
}
