"""Numbers without gap or repeat, codes by template, rows in one transaction."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.archive.build import NOW, admission, admit_numbers, description, fonds
from tests.homes import database_with_tables, lay_tables

from liandong.archive.models import ArchivalClass, PreservationEvent, Record, RecordFile, RecordPage
from liandong.archive.services.admitting import (
    CodeTaken,
    UnknownFonds,
    admit,
    admit_many,
    give_back_code,
    give_back_number,
    settle_code,
    take_number,
)
from liandong.archive.services.packing import pack, pack_many
from liandong.kernel.codes import BadCode, template

pytestmark = pytest.mark.django_db
CLASS = ("WS", "2011", "Y", "BGS")


def without_code(**fields: str) -> dict[str, str]:
    known = description() | fields
    return {name: text for name, text in known.items() if name != "archival_code"}


def test_numbers_run_from_one_within_their_class(home: Path) -> None:
    one = fonds()

    first = [take_number(one, *CLASS) for _ in range(3)]

    assert first == [1, 2, 3]
    assert take_number(one, "WS", "2012", "Y", "BGS") == 1


def test_a_number_given_back_is_the_next_to_be_taken(home: Path) -> None:
    one = fonds()
    for _ in range(4):
        take_number(one, *CLASS)

    give_back_number(one, *CLASS, 2)
    give_back_number(one, *CLASS, 2)

    assert [take_number(one, *CLASS) for _ in range(2)] == [2, 5]


def test_a_number_never_taken_cannot_be_given_back(home: Path) -> None:
    one = fonds()

    give_back_number(one, *CLASS, 7)

    assert take_number(one, *CLASS) == 1


def test_the_number_of_a_record_cannot_be_given_back(home: Path) -> None:
    one = fonds()
    admit_numbers(home / "staging", 1)

    give_back_number(one, *CLASS, 1)

    assert take_number(one, *CLASS) == 2


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("dat22_item", "Z109-WS·2011-Y-BGS-0001"),
        ("dat22_item_no_org", "Z109-WS·2011-Y-0001"),
        ("dat13_item", "Z109-WS·2011·Y·BGS-0001"),
        ("dat13_item_short", "Z109-WS·2011·Y-001"),
    ],
)
def test_the_fonds_names_the_form_of_its_codes(home: Path, form: str, expected: str) -> None:
    fonds(code_template=form)

    assert str(settle_code(without_code())) == expected


def test_retention_may_be_written_as_people_do(home: Path) -> None:
    fonds()

    assert settle_code(without_code(retention_period="30年")).retention == "D30"


def test_a_code_that_was_handed_over_is_kept_and_its_number_claimed(home: Path) -> None:
    one = fonds()

    code = settle_code(description(7), holder=uuid4())

    assert str(code) == "Z109-WS·2011-Y-BGS-0007"
    assert take_number(one, *CLASS) == 8


def test_two_items_on_their_way_cannot_have_one_code(home: Path) -> None:
    fonds()
    first = uuid4()
    settle_code(description(7), holder=first)

    assert str(settle_code(description(7), holder=first)) == "Z109-WS·2011-Y-BGS-0007"
    with pytest.raises(CodeTaken, match="0007"):
        settle_code(description(7), holder=uuid4())


def test_a_code_given_back_is_free_for_another(home: Path) -> None:
    fonds()
    code = settle_code(without_code(), holder=uuid4())

    give_back_code(code)

    assert settle_code(without_code(), holder=uuid4()) == code


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"fonds_number": "Z999"}, UnknownFonds),
        ({"filing_year": ""}, BadCode),
        ({"filing_year": "２０１１年"}, BadCode),
        ({"retention_period": "很久"}, BadCode),
        ({"org_or_subject": "办 公 室"}, BadCode),
        ({"archival_code": "Z109-WS·2011-Y-BGS-0000"}, BadCode),
        ({"archival_code": "Z108-WS·2011-Y-BGS-0001"}, BadCode),
    ],
)
def test_a_code_that_cannot_be_made_takes_no_number(
    home: Path, fields: dict[str, str], error: type[Exception]
) -> None:
    one = fonds()

    with pytest.raises(error):
        settle_code(without_code() | fields)

    assert take_number(one, *CLASS) == 1


def test_admission_writes_every_row(home: Path) -> None:
    fonds()
    one = admission(home / "staging")
    packed = pack(one)

    record = admit(packed, one, by="li", now=NOW)

    assert (record.code, record.number, record.version) == ("Z109-WS·2011-Y-BGS-0001", 1, 1)
    assert (record.document_date, record.document_number) == (20110506, "临政发〔2011〕1号")
    assert (record.page_count, record.file_count) == (1, 1)
    assert RecordFile.objects.filter(record=record).count() == len(packed.files)
    assert RecordPage.objects.get(record=record).text == "第1号通知\n防汛工作从速办理"
    kinds = list(PreservationEvent.objects.values_list("kind", flat=True))
    assert kinds == ["validation", "ingestion"]
    assert ArchivalClass.objects.get().record_count == 1


def test_admitting_again_changes_nothing(home: Path) -> None:
    fonds()
    one = admission(home / "staging")
    packed = pack(one)
    first = admit(packed, one, by="li", now=NOW)

    second = admit(packed, one, by="wang", now=NOW)

    assert second.pk == first.pk
    assert ArchivalClass.objects.get().record_count == 1
    assert PreservationEvent.objects.count() == 2


def test_a_taken_code_leaves_no_row(home: Path) -> None:
    fonds()
    staging = home / "staging"
    admit_numbers(staging, 1)
    pair = [admission(staging, 2), admission(staging, 1)]

    with pytest.raises(CodeTaken, match="0001"):
        admit_many(list(zip(pack_many(pair), pair, strict=True)), by="li", now=NOW)

    assert Record.objects.count() == 1
    assert ArchivalClass.objects.get().record_count == 1


def test_queries_do_not_grow_with_the_records_of_a_chunk(home: Path) -> None:
    fonds()
    staging = home / "staging"
    counts = []
    for numbers in ([1], list(range(2, 22))):
        admissions = [admission(staging, number) for number in numbers]
        pairs = list(zip(pack_many(admissions), admissions, strict=True))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            admit_many(pairs, by="li", now=NOW)
        counts.append(len(queries))

    assert counts[1] - counts[0] < 5  # an INSERT of SQLite holds a bounded number of values


RACER = textwrap.dedent(
    """
    import os, sys
    import django
    django.setup()
    from liandong.archive.models import Fonds
    from liandong.archive.services.admitting import give_back_number, take_number
    one = Fonds.objects.get(number="Z109")
    for turn in range(40):
        number = take_number(one, "WS", "2011", "Y", "BGS")
        if turn % 4 == 3:
            give_back_number(one, "WS", "2011", "Y", "BGS", number)
        else:
            print(number)
    """
)


FREE = textwrap.dedent(
    """
    import django
    django.setup()
    from liandong.archive.models import ArchivalClass, HeldNumber
    print(ArchivalClass.objects.get().last_number)
    print(*HeldNumber.objects.values_list("number", flat=True), sep=chr(10))
    """
)


@pytest.mark.slow
def test_four_processes_take_numbers_without_gap_or_repeat(tmp_path: Path) -> None:
    race(tmp_path, {})


@pytest.mark.slow
@pytest.mark.skipif("TEST_POSTGRES" not in os.environ, reason="no PostgreSQL: set TEST_POSTGRES")
def test_four_processes_take_numbers_on_postgresql(tmp_path: Path) -> None:
    with database_with_tables("admitting") as url:
        race(tmp_path, {"LIANDONG_DATABASE": url})


def race(folder: Path, extra: dict[str, str]) -> None:
    known = {key: text for key, text in os.environ.items() if key != "LIANDONG_DATABASE"}
    environment = known | extra | {
        "LIANDONG_HOME": str(folder / "race"),
        "LIANDONG_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "liandong.site.settings",
        "PYTHONPATH": str(Path(template.__code__.co_filename).parents[2]),
    }  # fmt: skip
    lay_tables(folder / "race")
    prepare = "import django; django.setup()\n" \
        "from liandong.archive.models import Fonds\n" \
        "Fonds.objects.create(number='Z109', title='T')\n"  # fmt: skip
    subprocess.run([sys.executable, "-c", prepare], env=environment, check=True)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    taken = [int(line) for racer in racers for line in racer.communicate()[0].split()]
    free = subprocess.run(
        [sys.executable, "-c", FREE], env=environment, check=True, capture_output=True, text=True
    )
    last, *returned = [int(line) for line in free.stdout.split()]
    assert all(racer.returncode == 0 for racer in racers)
    assert len(taken) == 120
    assert sorted(taken + returned) == list(range(1, last + 1))  # free ones are taken next
