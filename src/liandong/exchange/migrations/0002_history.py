from django.db import migrations

from liandong.base.triggers import only_added


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial")]

    operations = [
        only_added(table)
        for table in ("exchange_requestevent", "exchange_visitevent", "exchange_loanevent")
    ]
