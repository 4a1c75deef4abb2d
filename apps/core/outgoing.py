"""The one door for requests to addresses that people give: it reaches nothing inside our own network.

A name is resolved once, every address that it has is checked, and the connection goes to the address that was checked:
a name that changes its mind in between (DNS rebinding) gains nothing. Of what is posted no redirect is followed; of
what is fetched a few are, each checked as the first address was. Proxies of the environment are not used, and size and
time of an answer are bounded. `OUTGOING_PRIVATE_NETWORKS` names networks of our own that may be reached all the same.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from django.conf import settings

CONNECT_SECONDS = 5
HEADER_SECONDS = 30  # until an answer to a GET begins
SILENT_SECONDS = 30  # between two of its bytes
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
MOST_ANSWERED = 64 * 1024  # bytes that are read of an answer
PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")


class Refused(ValueError):
    """This address is never asked; the message says why and what is accepted."""


class Unreachable(Exception):
    """It was asked and gave no proper answer; the message says what happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body`: the first bytes of it; `seconds`: until it was read."""

    status: int
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self):
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url):
    """Raise Refused for what can never be asked: another scheme, a password in it, a private address in figures.

    Names are not resolved here: what they lead to is checked each time they are asked.
    """
    target = _target(url)
    try:
        _check(ipaddress.ip_address(target.host))
    except Refused:
        raise
    except ValueError:  # a name
        if target.host == "localhost" or target.host.endswith(".localhost"):
            for address in ("127.0.0.1", "::1"):
                _check(ipaddress.ip_address(address))


def post(url, body, headers, seconds=10):
    """POST bytes, within `seconds` in all; the Answer, whatever its status. Raises Refused or Unreachable."""
    started, target = time.monotonic(), _target(url)
    address = _resolve(target)
    too_late = threading.Event()
    connection = _connection(target, address, too_late)

    def give_up():
        too_late.set()
        if connection.sock:
            connection.sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(max(seconds - (time.monotonic() - started), 0.1), _quietly(give_up))
    watch.start()
    try:
        connection.request("POST", target.path, body, {"Host": target.host_header, "Connection": "close", **headers})
        response = connection.getresponse()
        read = _beginning(response, started + seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_in_words(error, too_late.is_set(), seconds)) from None
    finally:
        watch.cancel()
        connection.close()
    if too_late.is_set():
        raise Unreachable(_in_words(None, True, seconds))
    return Answer(response.status, read, time.monotonic() - started)


@contextmanager
def get(url, must_stop=lambda: False):
    """GET; yields (response, the address that it came from), redirects followed. Raises Refused or Unreachable.

    `must_stop()` is asked twice a second, by another thread: where it says so the connection ends at once, however
    slowly the other side speaks. Read the body with `pieces`.
    """
    for _ in range(MOST_REDIRECTS + 1):
        target = _target(url)
        with _asked(target, must_stop) as response:
            if response.status not in REDIRECTS:
                yield response, url
                return
            url = _led_on(url, response.headers.get("Location", ""))
    raise Refused(f"This leads on from address to address, more than {MOST_REDIRECTS} times.")


def pieces(response, size=256 * 1024):
    """The bytes of a body as they come; raises Unreachable where it breaks off."""
    while True:
        try:
            piece = response.read1(size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(_in_words(error, False, SILENT_SECONDS)) from None
        if not piece:
            return
        yield piece


def _led_on(url, location):
    try:
        following = urljoin(url, location)
    except ValueError:
        following = ""
    if not location or not following:
        raise Unreachable("It leads on to nowhere.")
    if url.startswith("https:") and following.startswith("http:"):
        raise Refused(
            "This leads on from https to http, where anybody on the way could put something else in its place."
        )
    return following


@contextmanager
def _asked(target, must_stop):
    """The answer to a GET, its headers read, compressed by nobody."""
    address, too_late, over = _resolve(target), threading.Event(), threading.Event()
    connection, sockets = _connection(target, address, too_late), []
    begins_until = time.monotonic() + HEADER_SECONDS
    answered = threading.Event()

    def watch():
        while not over.wait(0.5):
            if must_stop() or (not answered.is_set() and time.monotonic() > begins_until):
                too_late.set()
                for sock in filter(None, [connection.sock, *sockets]):
                    _quietly(lambda sock=sock: sock.shutdown(socket.SHUT_RDWR))()
                return

    threading.Thread(target=watch, daemon=True, name="outgoing-watch").start()
    try:
        try:
            connection.request("GET", target.path, headers=_headers_of_get(target))
            sockets.append(connection.sock)  # the connection forgets it when all headers are read
            response = connection.getresponse()
            sockets[0].settimeout(SILENT_SECONDS)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(_in_words(error, too_late.is_set(), HEADER_SECONDS)) from None
        answered.set()
        with response:
            yield response
    finally:
        over.set()
        connection.close()


def _headers_of_get(target):
    return {
        "Host": target.host_header, "Connection": "close", "Accept": "*/*", "Accept-Encoding": "identity",
        "User-Agent": "YOLO-Trainer",
    }  # fmt: skip


def _beginning(response, ends):
    """The first MOST_ANSWERED bytes of a body, piece by piece: one that drips is given up, whatever socket it has."""
    pieces, left = [], MOST_ANSWERED
    while left and (piece := response.read1(left)):
        if time.monotonic() > ends:
            raise TimeoutError
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _target(url):
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("This is not an address that can be called.") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise Refused("An address begins with https:// or http:// and names a host.")
    if parts.username is not None or parts.password is not None:
        raise Refused("An address holds no name or password here: it is kept, and shown to others.")
    if any(c.isspace() or not c.isprintable() for c in url):
        raise Refused("An address holds no spaces.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        host = parts.hostname.rstrip(".").encode("idna").decode()
        path.encode("ascii")
    except UnicodeError:
        raise Refused("An address has a host name that can be looked up, and other letters as %-codes.") from None
    return _Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, path)


def _resolve(target):
    """The address to connect to, of a host all whose addresses may be asked; raises Refused or Unreachable."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {target.host} is not known ({error.__class__.__name__}).") from None
    addresses = [place[0].partition("%")[0] for *_, place in found]
    for address in addresses:
        _check(ipaddress.ip_address(address))
    if not addresses:
        raise Unreachable(f"The name {target.host} has no address.")
    return addresses[0]


def _check(address):
    """Raise Refused for an address that is not of the public internet, whatever form hides it."""
    real = _real(address)
    if any(real in network for network in settings.OUTGOING_PRIVATE_NETWORKS):
        return
    # Not global: loopback, private, link-local (where clouds keep their metadata), shared by a carrier.
    hidden = real.is_reserved or getattr(real, "is_site_local", False) or real in SIX_TO_FOUR
    if hidden or real.is_multicast or not real.is_global:
        raise Refused(
            "This leads to a private or local address, which is not called from here. The operator can allow networks "
            "of your own (OUTGOING_PRIVATE_NETWORKS)."
        )


def _real(address):
    """The IPv4 address that packets to a mapped or NAT64 address go to; else the address itself."""
    if address.version == 6 and address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return getattr(address, "ipv4_mapped", None) or address


def _connection(target, address, too_late):
    """A connection whose socket goes to `address`, while certificate and `Host` are those of the name.

    Its `sock` is at every moment the one to shut for who gives up; who did so before there was one is heard too.
    """
    context = ssl.create_default_context() if target.scheme == "https" else None

    class Pinned(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.create_connection((address, target.port), CONNECT_SECONDS)
            if context:
                self.sock = context.wrap_socket(self.sock, server_hostname=target.host, do_handshake_on_connect=False)
            if too_late.is_set():
                raise TimeoutError
            if context:
                self.sock.do_handshake()

    return Pinned(target.host, target.port, timeout=CONNECT_SECONDS)


def _quietly(do):
    def called():
        try:
            do()
        except OSError:
            return  # it was closed in this moment: nothing is left to end

    return called


def _in_words(error, too_late, seconds):
    if too_late or isinstance(error, TimeoutError):
        return f"It did not answer within {seconds} s." if too_late else "It did not answer in time."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate is not valid: {error.verify_message}."
    if isinstance(error, ConnectionRefusedError):
        return "Nothing listens there: the connection was refused."
    return f"The connection failed: {type(error).__name__}: {error}"[:200]
