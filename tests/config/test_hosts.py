"""Hosts and endpoints: what can be one, and what is said of what cannot."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.broker import MqttSection
from config.check import validate
from config.model import SelfTestSection
from drivers.dmx.artnet import ArtnetOptions
from drivers.dmx.sacn import SacnOptions
from drivers.network.icmp import IcmpOptions
from drivers.network.stamp import StampOptions
from drivers.network.tcp import TcpOptions

ALONE = "alone; a port, where it can be chosen, has a key of its own"
PORT = "the port is missing or cannot be – host:port, the port from 1 to 65535, like ingest.lan:1935"


def said(model: type, **data: object) -> str:
    return "\n".join(problem.line("f") for problem in validate(model, data)[1])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "broker.lan.",
        "studio_2",
        "演播室.example",
        "10.0.0.9",
        "::1",
        "fe80::1%eth0",
        "3com.example",
        "a-b",
    ],
)
def test_hosts(host: str) -> None:
    assert said(MqttSection, host=host) == ""


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("", "is empty – at least 1 character"),
        (" ", "there is a blank in it – the name or address of one host"),
        ("broker.lan\n", "there is a blank in it – the name or address of one host"),
        ("mqtt://broker.lan", f"there is more than a host in it – broker.lan {ALONE}"),
        ("mqtts://hall:canary@broker.lan:8883/", f"there is more than a host in it – broker.lan {ALONE}"),
        ("hall:canary@broker.lan", f"there is more than a host in it – broker.lan {ALONE}"),
        ("mqtt://[canary", f"there is more than a host in it – a name or address {ALONE}"),
        ("broker.lan:1883", f"'broker.lan:1883' is not a host – broker.lan {ALONE}"),
        ("[::1]:1883", f"an IPv6 address stands without brackets here – ::1 {ALONE}"),
        ("10.0.0.256", "'10.0.0.256' is not an IPv4 address – four numbers from 0 to 255, like 192.0.2.1"),
        ("10.0.9", "'10.0.9' is not an IPv4 address – four numbers from 0 to 255, like 192.0.2.1"),
        ("-a.lan", "'-a.lan' cannot be a host – letters, digits and - between dots, or an address"),
        ("a..lan", "'a..lan' cannot be a host – letters, digits and - between dots, or an address"),
        ("x" * 300, "is too long – at most 253 characters"),
    ],
)
def test_what_is_no_host(host: str, why: str) -> None:
    assert said(MqttSection, host=host) == f"f: host – {why}"


@pytest.mark.parametrize("model", [StampOptions, IcmpOptions, TcpOptions, ArtnetOptions])
def test_who_speaks_ipv4_only_says_so(model: type) -> None:
    why = "this speaks IPv4 only – a name, or an address like 192.0.2.1"
    assert said(model, host="2001:db8::9") == f"f: host – {why}"
    assert said(model, host="far.example") == ""
    assert "far.example alone" in said(model, host="https://far.example/")


@pytest.mark.parametrize("ingest", ["a.b:1935", "10.0.0.9:443", "[2001:db8::1]:1935"])
def test_endpoints(ingest: str) -> None:
    assert said(SelfTestSection, ingest=ingest) == ""


@pytest.mark.parametrize(
    ("ingest", "why"),
    [
        ("rtmp://live.example/app/canary", "this is an address of something there – 'live.example:1935' alone"),
        ("rtmps://live.example/app", "this is an address of something there – 'live.example:443' alone"),
        ("rtmp://u:canary@[::1]:19/app", "this is an address of something there – '[::1]:19' alone"),
        ("live.example:1935/app", "this is an address of something there – 'live.example:1935' alone"),
        (
            "live.example",
            PORT,
        ),
        (
            "live.example:",
            PORT,
        ),
        ("a:0", PORT),
        ("a:65536", PORT),
        ("::1:1935", "an IPv6 address with a port stands in brackets – like [2001:db8::1]:1935"),
        ("[live]:1935", "what is in the brackets is not an IPv6 address – like [2001:db8::1]:1935"),
        (":1935", "the host is missing – host:port, like ingest.lan:1935"),
        ("10.0.0.300:1935", "'10.0.0.300' is not an IPv4 address – four numbers from 0 to 255, like 192.0.2.1"),
    ],
)
def test_what_is_no_endpoint(ingest: str, why: str) -> None:
    assert said(SelfTestSection, ingest=ingest) == f"f: ingest – {why}"


@example("[]:1").via("no address in brackets")
@example("//[").via("not a URL")
@given(st.text(alphabet="a1:.[]/@%- é\x00", max_size=12))
def test_nothing_raises(text: str) -> None:
    for model, key in ((MqttSection, "host"), (SelfTestSection, "ingest"), (TcpOptions, "host")):
        value, faults = validate(model, {key: text})
        assert (value is None) == bool(faults)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"interface": "10.0.0"}, "interface – '10.0.0' is not an IPv4 address – four numbers"),
        (
            {"interface": "eth0/24"},
            "interface – 'eth0/24' is no network card – a name like eth0, or the address of one",
        ),
        ({"interface": "fe80::x"}, "interface – 'fe80::x' is no network card"),
        ({"hosts": ["2001:db8::x"]}, "hosts[0] – '2001:db8::x' is not a host"),
        ({"hosts": ["a", "a"]}, "hosts – a is there twice – name each one once"),
        ({"hosts": ["10.0.0.9:5568"]}, "hosts[0] – '10.0.0.9:5568' is not a host – 10.0.0.9 alone"),
    ],
)
def test_where_sacn_goes(data: dict[str, object], why: str) -> None:
    assert why in said(SacnOptions, **data)
    assert said(SacnOptions, hosts=["a", "10.0.0.9", "2001:db8::9"], interface="10.0.0.2") == ""
    for card in ("", "eth0", "enp3s0.100", "2001:db8::2", "fe80::1%eth0"):
        assert said(SacnOptions, interface=card) == ""
    assert SacnOptions(interface="FE80:0::1%eth0").interface == "fe80::1%eth0"


def test_where_artnet_goes() -> None:
    assert "'2.255.255' is not an IPv4 address" in said(ArtnetOptions, broadcast="2.255.255")
    assert said(ArtnetOptions, broadcast="2.255.255.255") == ""
