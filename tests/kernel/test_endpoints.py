"""Where the server may call out to: every way into the inner network that is known is closed."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liandong.kernel.endpoints import (
    BadEndpoint,
    Reach,
    judged_addresses,
    may_call,
    parse_endpoint,
)

REACH = Reach()
INNER = Reach(networks=(ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")))
TRIAL = Reach(loopback=True)
PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "240e:1::1")
INSIDE = (
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "192.88.99.1", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00::1", "ff02::1",
    "2001:db8::1", "2001::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1",
    "2002:c0a8:101::",
)  # fmt: skip


def _reason(url: str, reach: Reach = REACH) -> str:
    try:
        parse_endpoint(url, reach)
    except BadEndpoint as error:
        return error.reason
    return ""


# Forms --------------------------------------------------------------------------------------------


def test_an_endpoint_is_taken_apart() -> None:
    one = parse_endpoint("https://OA.example.gov.cn/in?x=1", REACH)
    assert (one.host, one.port, one.target) == ("oa.example.gov.cn", 443, "/in?x=1")
    assert one.host_header == "oa.example.gov.cn"


def test_the_host_header_has_an_unusual_port_and_brackets() -> None:
    reach = Reach(frozenset({443, 8443}))
    assert parse_endpoint("https://a.cn:8443/", reach).host_header == "a.cn:8443"
    assert parse_endpoint("https://[2606:2800::1]/", reach).host_header == "[2606:2800::1]"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.cn/", "scheme"),
        ("ftp://example.cn/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://example.cn/", "scheme"),
        ("example.cn", "scheme"),
        ("https://", "host"),
        ("https:///x", "host"),
        ("https://user@example.cn/", "form"),
        ("https://example.cn@127.0.0.1/", "form"),
        ("https://user:pass@example.cn/", "form"),
        ("https://example.cn/#x", "form"),
        ("https://example.cn\\@127.0.0.1/", "form"),
        ("https://example.cn/\r\nHost: x", "form"),
        ("https://例子.cn/", "form"),
        ("https://example.cn /", "form"),
        ("https://example.cn:99999/", "form"),
        ("https://example.cn:x/", "form"),
        ("https://example.cn:22/", "port"),
        ("https://example.cn:0/", "port"),
        ("https://-example.cn/", "host"),
        ("https://exa%6dple.cn/", "host"),
        ("https://[::1/", "form"),
        ("https://a.cn/" + "a" * 500, "form"),
    ],
)
def test_other_forms_are_refused_with_the_reason(url: str, reason: str) -> None:
    assert _reason(url) == reason


@pytest.mark.parametrize("url", ["http://localhost:8001/", "http://127.0.0.1:9/", "http://[::1]/"])
def test_plain_http_goes_to_this_machine_alone_and_only_when_it_may(url: str) -> None:
    assert _reason(url) == "scheme"
    assert _reason(url, TRIAL) == ""
    assert _reason("http://example.cn/", TRIAL) == "scheme"


# Addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", INSIDE)
def test_no_address_of_the_inside_is_called(text: str) -> None:
    assert not may_call(ip_address(text), REACH)


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_internet_are_called(text: str) -> None:
    assert may_call(ip_address(text), REACH)


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(address: object) -> None:
    plain = ip_address(str(address))
    mapped = ip_address(f"::ffff:{address}")
    translated = ip_address(f"64:ff9b::{address}")
    assert may_call(mapped, REACH) == may_call(translated, REACH) == may_call(plain, REACH)


def test_an_inner_network_is_called_when_it_is_named() -> None:
    assert may_call(ip_address("10.1.2.3"), INNER)
    assert may_call(ip_address("::ffff:10.1.2.3"), INNER)
    assert may_call(ip_address("fd00:1::5"), INNER)
    assert not may_call(ip_address("10.2.0.1"), INNER)
    assert not may_call(ip_address("fd00:2::5"), INNER)


def test_a_named_network_never_opens_the_machine_itself() -> None:
    wide = Reach(networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    for text in (
        "127.0.0.1", "0.0.0.0", "224.0.0.1", "169.254.169.254", "::", "::1", "fe80::1", "ff02::1",
        "::ffff:127.0.0.1", "64:ff9b::7f00:1",
    ):  # fmt: skip
        assert not may_call(ip_address(text), wide), text


def test_a_trial_reaches_this_machine_and_nothing_else() -> None:
    assert may_call(ip_address("127.0.0.1"), TRIAL, trial=True)
    assert may_call(ip_address("::1"), TRIAL, trial=True)
    assert not may_call(ip_address("8.8.8.8"), TRIAL, trial=True)
    assert not may_call(ip_address("127.0.0.1"), REACH, trial=True)


# Names --------------------------------------------------------------------------------------------


def _judge(url: str, *found: str) -> list[str]:
    endpoint = parse_endpoint(url, REACH)
    return [str(one) for one in judged_addresses(endpoint, REACH, lambda host, port: found)]


def test_every_address_of_a_name_is_judged() -> None:
    assert _judge("https://a.cn/", "8.8.8.8", "8.8.8.8", "9.9.9.9") == ["8.8.8.8", "9.9.9.9"]
    with pytest.raises(BadEndpoint, match="address"):
        _judge("https://a.cn/", "8.8.8.8", "10.0.0.1")


def test_a_literal_address_is_judged_without_asking_anybody() -> None:
    assert _judge("https://8.8.8.8/", "10.0.0.1") == ["8.8.8.8"]
    with pytest.raises(BadEndpoint, match="address"):
        _judge("https://127.0.0.1/", "8.8.8.8")
    with pytest.raises(BadEndpoint, match="address"):
        _judge("https://[::ffff:10.0.0.1]/", "8.8.8.8")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
def test_other_writings_of_an_address_are_names_and_their_answer_is_judged(host: str) -> None:
    with pytest.raises(BadEndpoint, match="address"):
        _judge(f"https://{host}/", "127.0.0.1")


def test_a_name_without_an_address_is_refused() -> None:
    def nobody(host: str, port: int) -> list[str]:
        raise OSError

    with pytest.raises(BadEndpoint, match="host"):
        judged_addresses(parse_endpoint("https://a.cn/", REACH), REACH, nobody)
    with pytest.raises(BadEndpoint, match="host"):
        _judge("https://a.cn/")
    with pytest.raises(BadEndpoint, match="address"):
        _judge("https://a.cn/", "nonsense")
