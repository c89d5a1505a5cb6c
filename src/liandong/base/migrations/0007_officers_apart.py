from django.db import migrations

from liandong.base.triggers import officers_apart


class Migration(migrations.Migration):
    dependencies = [("base", "0006_accounts")]

    operations = [officers_apart()]
