"""Calls to addresses that people give: never into our own network, bounded in size and time."""

import contextlib
import ipaddress
import socket
import threading
import time

import pytest

from apps.core import outgoing
from apps.core.tests.receiver import receiving


@pytest.fixture
def loopback(settings):
    """Loopback counts as a network of our own that may be called."""
    settings.OUTGOING_PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


INSIDE = [
    "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
    "224.0.0.1", "255.255.255.255", "198.18.0.1", "[::1]", "[::]", "[fe80::1]", "[fd00:ec2::254]", "[fec0::1]",
    "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "localhost", "localhost.", "a.localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_refused_in_every_form(host):
    with pytest.raises(outgoing.Refused, match="private or local"):
        outgoing.check_url(f"https://{host}/x")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1"])
def test_an_odd_spelling_of_loopback_is_refused_when_it_is_asked(host):
    with pytest.raises((outgoing.Refused, outgoing.Unreachable)):
        outgoing.post(f"http://{host}/", b"", {}, 2)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "file:///etc/passwd", "https://", "example.org", "https://a:b@example.org/", "http://h:99999/",
     "https://exa mple.org/", "http://example.org/\n", "http://[::1", "http://" + "a" * 70 + ".org/", "https://h/ü"],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(url):
    with pytest.raises(outgoing.Refused) as refused:
        outgoing.check_url(url)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "[2001:4860:4860::8888]", "[::ffff:8.8.8.8]", "[64:ff9b::808:808]", "example.org"]
)
def test_a_public_address_is_accepted(host):
    outgoing.check_url(f"https://{host}:8443/x")


def test_a_post_arrives_with_its_headers_and_the_answer_comes_back(loopback):
    with receiving(answer=202) as server:
        answer = outgoing.post(server.url, b"body", {"X-Test": "1"})
    (path, headers, body) = server.got[0]
    assert (path, headers["X-Test"], body) == ("/hook?a=1", "1", b"body")
    assert headers["Host"] == f"127.0.0.1:{server.server_port}"
    assert (answer.status, answer.body) == (202, b"thanks")


def names_resolve_to(monkeypatch, *answers):
    """Have names resolve to each list of addresses in turn; returns the names that were asked."""
    asked, left = [], list(answers)

    def resolve(host, port, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", resolve)
    return asked


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    names_resolve_to(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(outgoing.Refused):
        outgoing.post("https://example.org/", b"", {})


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(monkeypatch, settings):
    settings.OUTGOING_PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
    with receiving() as server:
        connected, connect = [], socket.create_connection

        def note(place, timeout):
            connected.append(place[0])
            monkeypatch.undo()  # the real one looks the figures up by itself
            return connect(place, timeout)

        asked = names_resolve_to(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        monkeypatch.setattr(outgoing.socket, "create_connection", note)
        settings.OUTGOING_PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]
        answer = outgoing.post(f"http://rebinding.example:{server.server_port}/", b"", {})
    assert (asked, connected, answer.status) == (["rebinding.example"], ["127.0.0.1"], 200)
    assert server.got[0][1]["Host"] == f"rebinding.example:{server.server_port}"


def test_a_redirect_is_not_followed(loopback):
    with receiving() as inner, receiving(answer=307, headers=[("Location", inner.url)]) as server:
        assert outgoing.post(server.url, b"", {}).status == 307
    assert inner.got == []


def test_of_a_large_answer_only_the_beginning_is_read(loopback, monkeypatch):
    monkeypatch.setattr(outgoing, "MOST_ANSWERED", 100)
    with receiving(body=b"x" * 5000) as server:
        assert outgoing.post(server.url, b"", {}).body == b"x" * 100


def test_an_answer_that_does_not_come_is_given_up(loopback):
    never = threading.Event()
    with receiving(wait=never) as server:
        with pytest.raises(outgoing.Unreachable, match=r"within 0\.3 s"):
            outgoing.post(server.url, b"", {}, seconds=0.3)
        never.set()


def test_an_answer_that_drips_is_given_up(loopback):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            with server.accept()[0] as client, contextlib.suppress(OSError):
                client.recv(1000)
                client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                for _ in range(200):
                    client.sendall(b"x")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(outgoing.Unreachable, match=r"within 0\.5 s"):
            outgoing.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {}, seconds=0.5)
        thread.join()


def test_nothing_that_listens_is_said_in_words(loopback):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(outgoing.Unreachable, match="Nothing listens there"):
            outgoing.post(f"http://127.0.0.1:{free.getsockname()[1]}/", b"", {})


def test_an_answer_that_is_not_http_is_said_in_words(loopback):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            with server.accept()[0] as client:
                client.recv(1000)
                client.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(outgoing.Unreachable, match="The connection failed"):
            outgoing.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {})
        thread.join()


def test_https_checks_the_certificate_of_the_name(loopback):
    with receiving() as server, pytest.raises(outgoing.Unreachable):
        outgoing.post(server.url.replace("http:", "https:"), b"", {})
