"""Log lines: key=value on one line, the trace below."""

import logging
import sys

import pytest
from tests.people import READER, client_of

from liandong.site.logs import KeyValueFormatter


def _record(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("liandong.x", logging.WARNING, "f.py", 1, message, values, None)


def test_a_line_has_time_level_and_origin() -> None:
    record = _record("item.held id=%s", 7)
    record.created = 0

    assert KeyValueFormatter().format(record) == (
        "at=1970-01-01T00:00:00.000+00:00 level=warning from=liandong.x item.held id=7"
    )


def test_a_trace_follows_on_lines_of_its_own() -> None:
    record = _record("step failed")
    try:
        raise ValueError("x")
    except ValueError:
        record.exc_info = sys.exc_info()

    first, *rest = KeyValueFormatter().format(record).splitlines()
    assert first.endswith("step failed")
    assert rest[-1] == "ValueError: x"


def test_a_value_cannot_write_a_line_of_its_own() -> None:
    record = _record("file.refused name=%s", "甲\r\nat=1970 level=info")
    assert len(KeyValueFormatter().format(record).splitlines()) == 1


@pytest.mark.django_db
def test_a_refusal_is_one_line_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    answer = client_of(READER).get("/review/")
    told = [KeyValueFormatter().format(record) for record in caplog.records]

    assert answer.status_code == 403
    assert any("/review/" in line for line in told)
    assert not [line for line in told if "Traceback" in line]


def test_a_fault_of_the_program_keeps_its_trace() -> None:
    record = _record("Internal Server Error: %s", "/review/")
    record.status_code = 500
    try:
        raise ValueError("x")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "Traceback" in KeyValueFormatter().format(record)
