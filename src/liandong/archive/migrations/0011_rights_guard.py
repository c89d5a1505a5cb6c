from django.db import migrations

from liandong.base.triggers import only_added


class Migration(migrations.Migration):
    dependencies = [("archive", "0010_rights")]

    operations = [only_added("archive_rightsstep")]
