"""Triggers on the tables whose rows are only added."""

from django.db import migrations

from liandong.base.triggers import only_added


class Migration(migrations.Migration):
    dependencies = [("archive", "0001_initial")]

    operations = [
        only_added("archive_openingdecision"),
        only_added("archive_rightsstep"),
    ]
