"""Log lines as key=value: ids only, no names, no document text."""

import logging
from datetime import UTC, datetime
from http import HTTPStatus


class KeyValueFormatter(logging.Formatter):
    """One line per event: time, level, logger, message, and the trace on lines of its own.

    An answer below 500 (Django puts its `status_code` on the record) has no trace: a refusal or bad
    input is no fault of the program.
    """

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"at={at} level={record.levelname.lower()} from={record.name} {message}"
        answered = getattr(record, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
        if record.exc_info and answered >= HTTPStatus.INTERNAL_SERVER_ERROR:
            line += "\n" + self.formatException(record.exc_info)
        return line
