"""The audit chain: rows written and verified a second, and how verifying grows with the chain.

`python -m benchmarks --size small|full audit`.  `ratio` of verifying is its speed over bare hashing
of the same bytes in the same run; of writing, over inserting the same rows without a chain.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.homes import new_home

from . import machine

SIZES = {"small": (1_000, 10_000), "full": (10_000, 100_000, 1_000_000)}
SINGLE = 500  # acts of their own, each in its transaction
TOGETHER = 1_000  # acts recorded at once, to fill the table

Row = dict[str, Any]


def measure(count: int) -> Iterator[Row]:
    """Writing one by one, then verifying a chain of `count` rows, in a database of its own."""
    from django.utils import timezone

    from liandong.base.audit import record_act
    from liandong.base.audit.checking import check_chain
    from liandong.base.audit.rows import rows_between
    from liandong.base.audit.writing import Act, record_acts
    from liandong.base.models import AuditRow, Unit

    now = timezone.now()
    begun = time.perf_counter()
    for at in range(SINGLE):
        record_act("open_page", by="li", now=now, object=f"page:/{at}/")
    chained = SINGLE / (time.perf_counter() - begun)
    begun = time.perf_counter()
    for at in range(SINGLE):
        Unit.objects.create(code=f"u{at}", name="x")
    bare = SINGLE / (time.perf_counter() - begun)
    yield {"benchmark": "audit", "part": "write", "rows": SINGLE, "rows_s": round(chained, 1),
           "bare_insert_s": round(bare, 1), "ratio": round(chained / bare, 3)}  # fmt: skip
    for first in range(SINGLE, count, TOGETHER):
        last = min(count, first + TOGETHER)
        record_acts([Act("open_page", f"page:/{at}/") for at in range(first, last)], by="li",
                    now=now)  # fmt: skip
    rows = AuditRow.objects.count()
    begun = time.perf_counter()
    found = check_chain()
    verified = rows / (time.perf_counter() - begun)
    begun = time.perf_counter()
    for values in rows_between(1, rows):
        hashlib.sha256(json.dumps(values, ensure_ascii=False, default=str).encode()).digest()
    hashed = rows / (time.perf_counter() - begun)
    yield {"benchmark": "audit", "part": "verify", "rows": rows, "faults": len(found.faults),
           "rows_s": round(verified, 1), "bare_hash_rows_s": round(hashed, 1),
           "ratio": round(verified / hashed, 3), **machine.peak_mb()}  # fmt: skip


# Parts in processes of their own ------------------------------------------------------------------


def run(size: str = "small") -> Iterator[Row]:
    """JSON-ready figures; each size in a process and a data folder of its own."""
    for count in SIZES[size]:
        with new_home() as home:
            knobs = {"LIANDONG_HOME": home, "LIANDONG_LOG_LEVEL": "ERROR"}
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.audit", str(count)],
                env=os.environ | knobs, stdout=subprocess.PIPE, text=True, check=True,
            )  # fmt: skip
        yield from (json.loads(line) for line in done.stdout.splitlines())


def _main(count: int) -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "liandong.site.settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    for row in measure(count):
        print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
