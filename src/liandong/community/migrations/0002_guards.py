"""Triggers on the tables whose rows are only added."""

from django.db import migrations

from liandong.base.triggers import only_added


class Migration(migrations.Migration):
    dependencies = [("community", "0001_initial")]

    operations = [
        only_added("community_pointsposting"),
        only_added("community_pointsentry"),
        only_added("community_contactrecord"),
    ]
