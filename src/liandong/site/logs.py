"""Log lines as key=value: ids only, no names, no document text."""

import logging
from datetime import UTC, datetime


class KeyValueFormatter(logging.Formatter):
    """One line per event: time, level, logger, message, and the trace on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"at={at} level={record.levelname.lower()} from={record.name} {message}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line
