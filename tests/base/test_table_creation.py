"""Tables created at once are what they are one by one, and go again."""

import pytest
from django.db import connection, models
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState

from liandong.base.table_creation import CreateTables


def _model(name: str, other: str) -> CreateModel:
    """A table that refers to the other, be it there already or not."""
    key = models.BigAutoField(primary_key=True)
    to = models.ForeignKey(f"made.{other}", models.CASCADE, related_name="+", null=True)
    words = models.CharField(max_length=20, unique=True)
    index = models.Index(fields=["words", "other"], name=f"{name.lower()}_by_words")
    return CreateModel(name, [("id", key), ("other", to), ("words", words)], {"indexes": [index]})


@pytest.mark.django_db(transaction=True)
def test_tables_refer_to_one_another_in_any_order_and_are_dropped_again() -> None:
    before, state = ProjectState(), ProjectState()
    both = CreateTables([_model("Egg", "Hen"), _model("Hen", "Egg")])
    both.state_forwards("made", state)
    with connection.schema_editor() as editor:
        both.database_forwards("made", editor, before, state)
    try:
        hen, egg = (state.apps.get_model("made", name) for name in ("Hen", "Egg"))
        first = hen.objects.create(words="甲")
        assert egg.objects.create(words="乙", other=first).other.words == "甲"
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, "made_egg")
        assert found["egg_by_words"]["columns"] == ["words", "other_id"]
        assert ("made_hen", "id") in [one["foreign_key"] for one in found.values()]
    finally:
        with connection.schema_editor() as editor:
            both.database_backwards("made", editor, state, before)
    assert not {"made_hen", "made_egg"} & set(connection.introspection.table_names())
