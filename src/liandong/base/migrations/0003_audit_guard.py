from django.db import migrations

from liandong.base.triggers import only_added


class Migration(migrations.Migration):
    dependencies = [("base", "0002_officers_and_audit")]

    operations = [only_added("base_auditrow")]
