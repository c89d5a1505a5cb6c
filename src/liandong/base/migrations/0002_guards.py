"""Triggers on the tables whose rows are only added, and on officers kept apart."""

from django.db import migrations

from liandong.base.triggers import officers_apart, only_added


class Migration(migrations.Migration):
    dependencies = [("base", "0001_initial")]

    operations = [
        only_added("base_auditrow"),
        only_added("base_auditseal"),
        officers_apart(),
    ]
