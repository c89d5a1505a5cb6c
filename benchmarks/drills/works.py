"""What goes on while something breaks: a hand-over, the filing of cases, searching.

Each work is begun, is asked whether it is in the middle and whether it has ended, and at the end
says what was lost and what is there twice.  All of it runs in the process of the drill, which has
the rows of the installation at hand and is, beside that, the archivist who accepts.
"""

import hashlib
import io
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from .installation import Installation
from .seed import CASES, LETTERS, PACKAGES, RECORDS, WORD, letter

Value = TypeVar("Value")
PAUSE_S = 0.5  # between two packages of a sender
PATIENCE_S = 180  # of a sender, for one package
OF_CASES = "事项归档"  # so are the batches named that file cases
RIGHT_ANSWERS = 10  # in a row, and searching works again


@dataclass(slots=True)
class Count:
    """What is not as it would be without the fault."""

    lost: int = 0
    doubled: int = 0
    wrong: int = 0  # answers of success that did not tell what is there
    notes: list[str] = field(default_factory=list)


class Work(Protocol):
    """One kind of work under way."""

    def begin(self, *, twice: bool) -> None:
        """Start it; `twice` asks for everything two times."""

    def go_on(self) -> None:
        """What people do meanwhile; called again and again."""

    def has_begun(self) -> bool:
        """Whether something was taken that must not be lost."""

    def is_in_the_middle(self) -> bool:
        """Whether some of it is done and most of it is not."""

    def has_ended(self) -> bool:
        """Whether nothing is left to do."""

    def count(self) -> Count:
        """What was lost and what is there twice."""


def asked(question: Callable[[], Value], otherwise: Value) -> Value:
    """The answer of the database, or `otherwise` while it is away."""
    from django.db import Error, connection

    try:
        return question()
    except (Error, OSError):
        connection.close()
        return otherwise


class HandOver:
    """Packages come in by the interface, are read, accepted by a person, packed and admitted.

    A sender that gets no answer sends the same package with the same token again.
    """

    def __init__(self, site: Installation, told: dict[str, Any]) -> None:
        self._site, self._key, self._twice = site, told["key"], False
        self._taken: dict[int, str] = {}  # id of the transfer by package
        self._senders: list[threading.Thread] = []
        self.sent_again, self.refused = 0, ""

    def begin(self, *, twice: bool) -> None:
        self._twice = twice
        for _ in range(1 + twice):
            sender = threading.Thread(target=self._send_all, daemon=True)
            sender.start()
            self._senders.append(sender)

    def _send_all(self) -> None:
        for package in range(1, PACKAGES + 1):
            self._send(package)
            time.sleep(PAUSE_S)

    def _send(self, package: int) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for number in range(LETTERS):
                name = f"第{package}批/{package}-{number}.txt"
                archive.writestr(zipfile.ZipInfo(name), letter(package, number))
        body = made.getvalue()
        digest = hashlib.sha256(body).hexdigest()
        path = f"/api/v1/packages?{urlencode({'file': f'{package}.zip', 'sha256': digest})}"
        headers = {"Idempotency-Key": f"drill-of-package-{package}",
                   "Content-Type": "application/octet-stream"}  # fmt: skip
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            status, told = call(self._site.port, self._key, "POST", path, body, headers)
            if status == 202:
                self._taken[package] = json.loads(told)["id"]
                return
            if 400 <= status < 500 and status not in {409, 429}:  # at work already, too many
                self.refused = f"refused {status} {told[:200]!r}"
                return
            self.sent_again += 1
            time.sleep(0.3)

    def go_on(self) -> None:
        asked(self._accept, None)

    def _accept(self) -> None:
        from django.utils import timezone

        from liandong.intake.models import Batch, BatchState, ItemState
        from liandong.intake.services.decide import accept
        from liandong.intake.tasks import drive_batch

        for batch in Batch.objects.filter(state=BatchState.PENDING_REVIEW):
            waiting = batch.items.filter(state=ItemState.WAITING).values_list("pk", flat=True)
            if ids := list(waiting):
                accept(ids, by="archivist", now=timezone.now())
                for _ in range(1 + self._twice):
                    drive_batch.enqueue(batch.pk)

    def has_begun(self) -> bool:
        return bool(self._taken)

    def is_in_the_middle(self) -> bool:
        return 0 < asked(lambda: _admitted(of_cases=False), 0) < PACKAGES * LETTERS * 3 // 4

    def has_ended(self) -> bool:
        if any(sender.is_alive() for sender in self._senders):
            return False
        return asked(self._is_settled, False)

    def _is_settled(self) -> bool:
        from liandong.intake.models import Batch, ItemState

        ended = Batch.objects.filter(uuid__in=self._taken.values(), ended_at__isnull=False)
        open_items = ended.filter(items__state__in=[ItemState.WAITING, ItemState.ACCEPTED])
        unread = ended.filter(items__step="admit")
        whole = not open_items.exists() and not unread.exists()
        return ended.count() == len(self._taken) and whole

    def count(self) -> Count:
        from liandong.archive.models import RecordFile
        from liandong.archive.models.records import FileRole
        from liandong.intake.models import Batch

        originals = RecordFile.objects.filter(role=FileRole.ORIGINAL)
        kept = Counter(originals.values_list("sha256", flat=True))
        wanted = [
            hashlib.sha256(letter(package, number)).hexdigest()
            for package in range(PACKAGES + 1)
            for number in range(LETTERS if package else RECORDS)
        ]
        found = Count(
            lost=sum(not kept[digest] for digest in wanted),
            doubled=sum(max(0, kept[digest] - 1) for digest in wanted),
        )
        found.lost += PACKAGES - len(self._taken)
        batches = Batch.objects.exclude(name__startswith=OF_CASES).count()
        found.doubled += max(0, batches - 1 - PACKAGES)
        found.notes = [f"sent again {self.sent_again}"] if self.sent_again else []
        found.notes += [self.refused] if self.refused else []
        return found


class Filing:
    """Cases that are over become records."""

    def __init__(self, _site: Installation, _told: dict[str, Any]) -> None:
        pass

    def begin(self, *, twice: bool) -> None:
        from liandong.cases.models import Case
        from liandong.cases.tasks import file_case, file_due_cases

        for _ in range(1 + 2 * twice):
            file_due_cases.enqueue()
        if twice:
            for key in Case.objects.values_list("pk", flat=True):
                file_case.enqueue(key)

    def go_on(self) -> None:
        """Nobody has to do anything."""

    def has_begun(self) -> bool:
        return True

    def is_in_the_middle(self) -> bool:
        return 0 < asked(lambda: _admitted(of_cases=True), 0) < CASES * 3 // 4

    def has_ended(self) -> bool:
        return asked(_filed, 0) == CASES

    def count(self) -> Count:
        from liandong.archive.models import Record
        from liandong.cases.models import Case
        from liandong.intake.models import Batch

        numbers = [one.number for one in Case.objects.iterator()]
        kept = Counter(Record.objects.values_list("document_number", flat=True))
        handed = Batch.objects.filter(name__startswith=OF_CASES).count()
        return Count(
            lost=sum(not kept[number] for number in numbers) + CASES - len(numbers),
            doubled=sum(max(0, kept[number] - 1) for number in numbers) + max(0, handed - CASES),
        )


class Searching:
    """People ask one after another; an answer is right, or it is an error, and never less."""

    def __init__(self, site: Installation, told: dict[str, Any]) -> None:
        self._site, self._key = site, told["key"]
        self._path = f"/api/v1/search?{urlencode({'q': WORD})}"
        self._over = threading.Event()
        self._asker = threading.Thread(target=self._ask, daemon=True)
        self._right = self._in_a_row = self._wrong = self._errors = 0
        self.expected = RECORDS

    def begin(self, *, twice: bool) -> None:
        self._asker.start()

    def _ask(self) -> None:
        while not self._over.is_set():
            status, told = call(self._site.port, self._key, "GET", self._path)
            if status != 200:
                self._errors, self._in_a_row = self._errors + 1, 0
                time.sleep(0.1)
            elif json.loads(told)["count"] == self.expected:
                self._right, self._in_a_row = self._right + 1, self._in_a_row + 1
            else:
                self._wrong, self._in_a_row = self._wrong + 1, 0

    def go_on(self) -> None:
        """Nobody has to do anything."""

    def has_begun(self) -> bool:
        return self.is_in_the_middle()

    def is_in_the_middle(self) -> bool:
        if self._right >= RIGHT_ANSWERS:
            self._in_a_row = 0
            return True
        return False

    def has_ended(self) -> bool:
        if self._in_a_row < RIGHT_ANSWERS:
            return False
        self._over.set()
        self._asker.join(30)
        return True

    def count(self) -> Count:
        notes = [f"errors {self._errors}"] if self._errors else []
        notes += [f"wrong answers {self._wrong}"] if self._wrong else []
        return Count(lost=max(0, RECORDS - _records()), wrong=self._wrong, notes=notes)


WORKS: dict[str, Callable[[Installation, dict[str, Any]], Work]] = {
    "ingest": HandOver, "filing": Filing, "search": Searching,
}  # fmt: skip


def call(
    port: int, key: str, method: str, path: str, body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:  # fmt: skip
    """Status and body of one answer; 0 without one."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        sent = {"Authorization": f"Bearer {key}", **(headers or {})}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()


def _admitted(*, of_cases: bool) -> int:
    """Items that were admitted since the seed; the worker files cases by the clock as well."""
    from liandong.intake.models import Item, ItemState

    items = Item.objects.filter(state=ItemState.ADMITTED)
    filed = items.filter(batch__name__startswith=OF_CASES).count()
    return filed if of_cases else items.count() - filed - RECORDS


def _records() -> int:
    from liandong.archive.models import Record

    return Record.objects.count()


def _filed() -> int:
    from liandong.cases.models import Case

    return Case.objects.filter(record="filed").count()
