"""Every table loads, has its keys once, and its patterns match their examples."""

import re

import pytest

from liandong.kernel import catalog
from liandong.kernel.codes import half_width

KEYS = {
    "archival_code_templates": "form",
    "category_codes": "code",
    "description_fields": "identifier",
    "findings": "code",
    "package_findings": "code",
    "identity_kinds": "code",
    "metadata_elements_dat46": "no",
    "opening_grounds": "code",
    "opening_periods": "code",
    "opening_words": "code",
    "rights_bases": "code",
    "area_codes": "code",
    "case_clocks": "code",
    "deadline_lines": "code",
    "escalation_levels": "code",
    "holidays": "date",
    "name_characters": "use",
    "never_collected": "code",
    "pii_kinds": "kind",
    "pii_words": "list",
    "retention_periods": "code",
    "security_levels": "code",
    "roles_three_officers": "code",
    "mlps3_checklist": "clause",
    "partner_archives": "code",
    "use_purposes": "code",
}


@pytest.mark.parametrize("name", list(catalog.names()))
def test_every_table_loads_and_has_rows(name: str) -> None:
    assert catalog.rows(name)


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_the_key_of_a_table_is_there_once_and_never_blank(name: str, key: str) -> None:
    assert "" not in catalog.by_key(name, key)


@pytest.mark.parametrize("name", list(catalog.names()))
def test_the_regex_of_a_row_matches_the_example_beside_it(name: str) -> None:
    for row in catalog.rows(name):
        pattern, example = row.get("regex", ""), row.get("example", "")
        if pattern and example:
            plain = "".join(half_width(example).split())  # some are for text made so first
            assert re.search(pattern, example) or re.search(pattern, plain), (name, example)


@pytest.mark.parametrize("name", list(catalog.names()))
def test_every_fact_names_its_source_and_confidence(name: str) -> None:
    allowed = ["text", "secondary", "memory-high", "memory-medium", "memory-low", "design"]
    for row in catalog.rows(name):
        if "confidence" in row:
            assert row["confidence"] in allowed, (name, dict(row))
            assert row["source"], (name, dict(row))


def test_a_finding_code_is_in_one_table_only_and_has_both_messages() -> None:
    ours, others = catalog.by_key("package_findings", "code"), catalog.by_key("findings", "code")
    assert not ours.keys() & others.keys()
    for row in ours.values():
        assert row["message_zh"]
        assert row["message_en"]
        assert set(re.findall(r"\{(\w+)\}", row["message_zh"])) == set(
            re.findall(r"\{(\w+)\}", row["message_en"])
        ), row["code"]


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        catalog.rows("no_such_table")
