"""Knobs: every setting is read or refused by name."""

from pathlib import Path

import pytest

from liandong.site.knobs import KNOBS, PREFIX, BadKnob, read_knobs


def test_every_knob_has_a_default_that_can_be_read() -> None:
    assert read_knobs({}).keys() == {knob.name for knob in KNOBS}


def test_values_are_read_by_their_kind() -> None:
    found = read_knobs({"LIANDONG_PORT": "9000", "LIANDONG_DEBUG": "Yes", "LIANDONG_HOSTS": "a,b,"})

    assert (found["PORT"], found["DEBUG"], found["HOSTS"]) == (9000, True, ["a", "b"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "many"),
        ("DEBUG", "perhaps"),
        ("OCR_THRESHOLD", "high"),
        ("PORTT", "1"),
        ("COMPUTE", "dask"),
        ("COMPUTE", "ray:head"),
        ("COMPUTE_GPUS", "2"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, text: str) -> None:
    with pytest.raises(BadKnob, match=PREFIX + name):
        read_knobs({PREFIX + name: text})


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("hush\n")

    assert read_knobs({"LIANDONG_SECRET_KEY_FILE": str(file)})["SECRET_KEY"] == "hush"
    with pytest.raises(BadKnob, match="SECRET_KEY_FILE"):
        read_knobs({"LIANDONG_SECRET_KEY_FILE": str(tmp_path / "none")})


def test_only_secrets_may_stand_in_a_file() -> None:
    with pytest.raises(BadKnob, match="PORT_FILE"):
        read_knobs({"LIANDONG_PORT_FILE": "x"})


@pytest.mark.parametrize(
    "address",
    ["", "http://127.0.0.1:9200", "https://archive@a:9200,b:9200/city", "http://[::1]:9200/x"],
)
def test_an_address_of_a_search_server_is_over_tls_or_on_this_machine(address: str) -> None:
    assert read_knobs({"LIANDONG_SEARCH": address})["SEARCH"] == address


@pytest.mark.parametrize(
    "address", ["http://search:9200", "http://127.0.0.1,search:9200", "https://", "search:9200"]
)
def test_no_password_goes_to_another_machine_in_the_clear(address: str) -> None:
    with pytest.raises(BadKnob, match="LIANDONG_SEARCH"):
        read_knobs({"LIANDONG_SEARCH": address})


def test_other_variables_are_nobodys_business() -> None:
    assert read_knobs({"PORT": "x", "HOME": "y"})["PORT"] == 8000
