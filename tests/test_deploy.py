"""What is copied to machines: settings that are known, units that are hardened alike."""

import re
from pathlib import Path

import pytest

from liandong.site.knobs import KNOBS, PREFIX

DEPLOY = Path(__file__).parents[1] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
SETTINGS = [DEPLOY / "embedded.env", DEPLOY / "cluster.env"]
HARDENED = re.compile(
    r"^(?:Protect|Private|Restrict|System|Lock|NoNew|Capability|UMask)\w*=.*", re.MULTILINE
)


def _set(file: Path) -> dict[str, str]:
    lines = file.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("file", SETTINGS, ids=lambda file: file.stem)
def test_every_setting_of_an_installation_is_known_and_can_be_read(file: Path) -> None:
    knobs = {PREFIX + knob.name: knob for knob in KNOBS}
    secrets = {f"{name}_FILE" for name, knob in knobs.items() if knob.secret}
    found = _set(file)
    assert found
    for name, text in found.items():
        assert name in knobs or name in secrets, name
        if name in knobs:
            knobs[name].read(text)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_every_unit_is_hardened_alike_and_runs_what_is_installed(unit: Path) -> None:
    text = unit.read_text("utf-8")
    assert "ExecStart=/opt/liandong/.venv/bin/" in text
    assert "User=liandong\n" in text
    first = (DEPLOY / "liandong.service").read_text("utf-8")
    assert HARDENED.findall(text) == HARDENED.findall(first)
    assert len(HARDENED.findall(text)) > 15


def test_the_worker_of_which_several_run_is_the_worker() -> None:
    """Besides its number, and what it shares with the Ray node of its machine."""
    one, many = (
        (DEPLOY / name).read_text("utf-8").split("[Service]")[1]
        for name in ("liandong-worker.service", "liandong-worker@.service")
    )
    assert many.replace("EnvironmentFile=-/etc/liandong-ray.env\n", "") == one
