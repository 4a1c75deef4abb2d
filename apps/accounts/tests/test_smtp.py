"""Mail through a real SMTP server on loopback, in the three ways that EMAIL_SECURITY names."""

import smtplib
import ssl
from dataclasses import dataclass, field

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from apps.accounts import mail, tasks
from tests.real_parts import free_ports

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # one of the three ways

USER, PASSWORD = "platform@example.org", "a password of the server"


@dataclass
class Inbox:
    """What arrived, and what is answered first: lines that refuse."""

    refusals: list = field(default_factory=list)
    letters: list = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope):
        if self.refusals:
            return self.refusals.pop(0)
        was_encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode(), was_encrypted))
        return "250 taken"


class Server(Controller):
    """An SMTP server that wants a name and a password; by TLS from the start, by STARTTLS, or in the open."""

    def __init__(self, inbox, security, certificate):
        self.security, self.certificate = security, certificate
        tls = {"ssl_context": certificate} if security == "tls" else {}
        super().__init__(inbox, hostname="127.0.0.1", port=free_ports(1)[0], **tls)

    def factory(self):
        starttls = {"tls_context": self.certificate, "require_starttls": True} if self.security == "starttls" else {}
        return SMTP(self.handler, authenticator=_known, auth_required=True, auth_require_tls=False, **starttls)


def _known(server, session, envelope, mechanism, given):
    return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@pytest.fixture
def authority(monkeypatch, tmp_path):
    """A certificate authority that this process trusts, as SSL_CERT_FILE has it."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


@pytest.fixture
def serve(settings, authority):
    """`serve(security, by=authority)` starts a server that mail is sent by; returns its Inbox."""
    running = []

    def start(security, by=authority):
        certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by.issue_cert("127.0.0.1").configure_cert(certificate)
        inbox = Inbox()
        server = Server(inbox, security, certificate)
        server.start()
        running.append(server)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.MAIL_IS_SENT, settings.DEFAULT_FROM_EMAIL = True, "YOLO Trainer <yolo@example.org>"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
        settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = security == "starttls", security == "tls"
        return inbox

    yield start
    for server in running:
        server.stop()


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_mail_arrives_by_each_way(serve, alice, security):
    inbox = serve(security)
    tasks.send_password_reset.apply([alice.pk, "https://yolo.example.org"], throw=True)
    ((sender, to, text, was_encrypted),) = inbox.letters
    assert (sender, to, was_encrypted) == ("yolo@example.org", ["alice@example.org"], security != "none")
    assert "From: YOLO Trainer <yolo@example.org>" in text
    assert "https://yolo.example.org/account/reset/" in text


def test_server_that_is_busy_is_asked_again_and_has_it_once(serve, alice):
    inbox = serve("none")
    inbox.refusals = ["451 busy", "421 too many"]
    tasks.send_password_changed.apply([alice.pk])
    assert len(inbox.letters) == 1


def test_wrong_password_of_the_server_is_said(serve, settings):
    inbox = serve("starttls")
    settings.EMAIL_HOST_PASSWORD = "another"
    with pytest.raises(smtplib.SMTPAuthenticationError):
        mail.send("password_changed", "alice@example.org", user=None)
    assert inbox.letters == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_nothing_is_told_to_a_server_that_nobody_vouches_for(serve, security):
    inbox = serve(security, by=trustme.CA())
    with pytest.raises(ssl.SSLCertVerificationError):
        mail.send("password_changed", "alice@example.org", user=None)
    assert inbox.letters == []
