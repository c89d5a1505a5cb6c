"""Triggers on the tables whose rows are only added."""

from django.db import migrations

from liandong.base.triggers import only_added


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial")]

    operations = [
        only_added("exchange_requestevent"),
        only_added("exchange_visitevent"),
        only_added("exchange_loanevent"),
    ]
