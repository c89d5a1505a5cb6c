"""XML from outside: hostile documents are refused, broken ones named, ours come back."""

import contextlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel import xml
from liandong.kernel.xml import BrokenXml, HostileXml, XmlWriter, read_tree

BOMB = b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>'


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" * 100 + b"</a>" * 100,
        b"<a>" + b"x" * 2000 + b"</a>",
    ],
)
def test_a_hostile_document_is_refused(content: bytes) -> None:
    with pytest.raises(HostileXml):
        read_tree(content, most_bytes=1000)


def test_too_many_elements_are_hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "MOST_ELEMENTS", 10)
    with pytest.raises(HostileXml):
        read_tree(b"<a>" + b"<b/>" * 20 + b"</a>")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no xml",
        b"<a>",
        b"<a></b>",
        b"<a>&x;</a>",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<?xml version="1.0" encoding="gb18030"?><a>\xc4\xe3</a>',
        b"<a>\xff</a>",
    ],
)
def test_a_broken_document_is_named(content: bytes) -> None:
    with pytest.raises(BrokenXml):
        read_tree(content)


@given(st.binary(max_size=200))
def test_noise_is_never_another_error(content: bytes) -> None:
    with contextlib.suppress(BrokenXml, HostileXml):
        read_tree(content)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@given(TEXT, TEXT)
def test_what_is_written_is_read(text: str, attribute: str) -> None:
    out = BytesIO()
    writer = XmlWriter(out.write)
    writer.open("根", xmlns="urn:x")
    writer.leaf("叶", text, 属性=attribute)
    writer.close()
    root = read_tree(out.getvalue())
    leaf = root.find("叶")
    allowed = "".join(sign for sign in text if sign not in "\ufffe\uffff")
    assert (root.name, root.namespace) == ("根", "urn:x")
    assert leaf is not None
    assert leaf.text == allowed
    assert leaf.attributes["属性"] == attribute.translate({0xFFFE: None, 0xFFFF: None})


def test_control_signs_are_left_out() -> None:
    out = BytesIO()
    XmlWriter(out.write).leaf("a", "x\x00\x0by\r\nz")
    assert read_tree(out.getvalue()).text == "xy\r\nz"
