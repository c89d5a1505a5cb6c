from django.db import migrations

from liandong.base.triggers import only_added
from liandong.kernel.opening import NEVER, due_day, period_of

CHUNK = 1000


def fill(apps, _editor):  # type: ignore[no-untyped-def]
    """Compute the day on which each record is due; opened ones await no review."""
    Record = apps.get_model("archive", "Record")
    Record.objects.filter(level=0).exclude(open_from=NEVER).update(awaits_opening=False)
    last = 0
    columns = ("pk", "category", "year", "document_date", "description", "open_due")
    rows = Record.objects.order_by("pk").only(*columns)
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        for record in chunk:
            years = period_of(record.category, record.description).years
            record.open_due = due_day(record.document_date, record.year, years)
        Record.objects.bulk_update(chunk, ["open_due"])


class Migration(migrations.Migration):
    dependencies = [("archive", "0008_opening")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        only_added("archive_openingdecision"),
    ]
