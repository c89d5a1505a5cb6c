from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0011_rights_guard"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="record",
            name="record_due_of_fonds",
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                condition=models.Q(("awaits_opening", True)),
                fields=["fonds", "open_due", "level", "destroyed_at", "awaits_opening"],
                name="record_due_of_fonds",
            ),
        ),
    ]
