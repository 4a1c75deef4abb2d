"""Files from an address: never from inside our own network, no more than is allowed, and nothing secret kept."""

import gzip
import ipaddress
import socket
import threading

import pytest
from django.core.files.storage import default_storage

from apps.core import fetching, outgoing, tasks, uploads, work
from apps.core.jobs import run_job
from apps.core.models import AuditEvent, Job, Quota, Upload
from apps.core.tests.giver import giving
from conftest import stored_files

DATA = b"PK of an archive" * 4000


@pytest.fixture
def loopback(settings):
    settings.OUTGOING_PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]


def fetched(user, url):
    """The job after it ran."""
    job = fetching.start_fetch(user, url)
    tasks.fetch_upload(job.pk)
    job.refresh_from_db()
    return job


def refusal(user, answers, path="/a.zip"):
    """The words of a job that failed and left nothing."""
    before = stored_files("jobs")
    with giving(answers) as server:
        job = fetched(user, server.url + path)
    assert (job.status, job.result, Upload.objects.count()) == ("failed", {}, 0)
    assert stored_files("jobs") == before
    assert "url" not in job.params
    return job.error_message


def test_a_file_becomes_an_upload_that_an_import_takes(alice, loopback):
    with giving({"/data/cells%20one.zip": (200, {}, DATA)}) as server:
        job = fetched(alice, f"{server.url}/data/cells%20one.zip?signature=secret")
    upload = Upload.objects.get()
    assert (job.status, job.error_message, job.result["upload"]) == ("completed", "", str(upload.pk))
    assert (upload.owner, upload.filename, upload.size) == (alice, "cells one.zip", len(DATA))
    name, filename = uploads.stored_upload(alice, upload.pk)
    assert (default_storage.open(name).read(), filename) == (DATA, "cells one.zip")
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


def test_the_name_that_the_server_says_counts_without_its_folders(alice, loopback):
    headers = {"Content-Disposition": "attachment; filename*=UTF-8''..%2F..%2Fb%C3%A4r.zip"}
    with giving({"/get": (200, headers, DATA)}) as server:
        assert fetched(alice, f"{server.url}/get").result["filename"] == "bär.zip"


def test_what_follows_the_question_mark_is_kept_nowhere(alice, loopback, caplog):
    caplog.set_level("DEBUG")
    with giving({"/a.zip": (200, {}, DATA), "/b.zip": (404, {}, b"")}) as server:
        jobs = [fetched(alice, f"{server.url}/{name}?key=hush") for name in ("a.zip", "b.zip")]
    waiting = fetching.start_fetch(alice, "https://example.org/c.zip?key=hush")
    work.cancel(waiting)
    tasks.expire_job_files()
    kept = [*Job.objects.values(), *AuditEvent.objects.values(), *Upload.objects.values()]
    assert [job.status for job in jobs] == ["completed", "failed"]
    assert "hush" not in f"{kept} {caplog.text}"
    assert AuditEvent.objects.filter(detail__url="https://example.org/c.zip").exists()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/a", "http://169.254.169.254/latest", "http://[::1]/", "http://localhost/a", "ftp://example.org/a",
            "file:///etc/passwd", "https://me:word@example.org/a", "a.zip", "https://example.org/" + "a" * 2000],
)  # fmt: skip
def test_what_may_never_be_asked_is_refused_before_there_is_a_job(url, alice, api_as):
    answer = api_as(alice).post("/api/v1/uploads/from-url", {"url": url}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()) == ["url"]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "inner", ["http://127.0.0.2/x", "http://10.0.0.1/x", "http://169.254.169.254/x", "http://[::1]/x"]
)
def test_a_redirect_to_an_address_inside_is_not_followed(inner, alice, loopback):
    assert "private or local" in refusal(alice, {"/a.zip": (302, {"Location": inner}, b"")})


@pytest.mark.parametrize(
    ("place", "words"),
    [("file:///etc/passwd", "https://"), ("http://me:word@127.0.0.1/", "no name or password"),
     (None, "leads on to nowhere"), ("http://[", "leads on to nowhere"), ("/a.zip", "more than 5 times")],
)  # fmt: skip
def test_a_redirect_to_what_is_no_address_or_round_in_circles_is_refused(place, words, alice, loopback):
    assert words in refusal(alice, {"/a.zip": (307, {"Location": place}, b"")})


def test_five_redirects_are_followed_each_by_a_connection_of_its_own(alice, loopback):
    answers = {f"/{n}": (302, {"Location": f"/{n + 1}"}, b"") for n in range(5)} | {"/5": (200, {}, DATA)}
    with giving(answers) as server:
        assert fetched(alice, f"{server.url}/0").status == "completed"
    assert [path for path, _ in server.asked] == [f"/{n}" for n in range(6)]


def test_https_does_not_lead_to_http():
    with pytest.raises(outgoing.Refused, match="from https to http"):
        outgoing._led_on("https://example.org/a", "http://example.org/a")


def test_a_name_that_resolves_to_another_address_a_moment_later_gains_nothing(alice, loopback, monkeypatch):
    """DNS rebinding: each name is looked up once a connection, and that very address is connected to."""
    found, asked = [["127.0.0.1"], ["127.0.0.1"], ["10.0.0.1"]], []

    def resolve(host, port, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found.pop(0)]

    connected, connect = [], socket.create_connection

    def note(place, timeout):
        connected.append(place[0])
        with monkeypatch.context() as patch:
            patch.setattr(outgoing.socket, "getaddrinfo", real)
            return connect(place, timeout)

    real = socket.getaddrinfo
    with giving({"/a": (302, {"Location": "/b"}, b""), "/b": (302, {"Location": "/c"}, b"")}) as server:
        job = fetching.start_fetch(alice, f"http://rebinding.example:{server.server_port}/a")
        monkeypatch.setattr(outgoing.socket, "getaddrinfo", resolve)
        monkeypatch.setattr(outgoing.socket, "create_connection", note)
        with pytest.raises(work.WorkFailed, match="private or local"):
            fetching.fetch(job, Quiet())
    assert asked == ["rebinding.example"] * 3
    assert connected == ["127.0.0.1"] * 2


class Quiet:
    """A reporter of a job that nobody stops."""

    def __call__(self, progress, message=""):
        self.said = (progress, message)

    def check(self):
        """It goes on."""


def endless(write, over):
    while not over.is_set():
        write(b"x" * 65536)


def test_a_body_without_end_is_cut_at_the_limit(alice, loopback, settings):
    settings.MAX_ARCHIVE_BYTES = 3 * 2**20
    assert refusal(alice, {"/a.zip": (200, {}, endless)}) == "The file is larger than 3 MB."


def test_a_size_that_is_claimed_too_large_is_refused_at_once(alice, loopback, settings):
    settings.MAX_ARCHIVE_BYTES = 2**20
    assert "larger than 1 MB" in refusal(alice, {"/a.zip": (200, {"Content-Length": str(2**40)}, endless)})


def test_a_claim_is_no_more_than_a_claim(alice, loopback):
    short = {"/a.zip": (200, {"Content-Length": "99999"}, b"only this")}
    assert "broke after 9 of 99999 bytes" in refusal(alice, short)


def test_a_quota_holds_while_bytes_come(alice, loopback, monkeypatch):
    Quota.objects.create(person=alice, storage_mb=1)
    monkeypatch.setattr(fetching, "CHECK_BYTES", 2**18)
    with giving({"/a.zip": (200, {}, endless)}) as server:
        job = fetched(alice, f"{server.url}/a.zip")
        assert server.cut.wait(20)
    assert "You have" in job.error_message


def test_a_body_that_is_compressed_once_more_is_not_unpacked(alice, loopback):
    bomb = gzip.compress(bytes(50 * 2**20))
    assert "compressed once more (gzip)" in refusal(alice, {"/a.zip": (200, {"Content-Encoding": "gzip"}, bomb)})


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "answered 404"), (403, "needs no sign-in"), (500, "answered 500"), (206, "answered 206")],
)
def test_an_answer_that_is_no_file_is_said_in_words(status, words, alice, loopback):
    assert words in refusal(alice, {"/a.zip": (status, {}, b"no")})


def test_an_empty_file_is_said_in_words(alice, loopback):
    assert "empty" in refusal(alice, {"/a.zip": (200, {}, b"")})


def test_a_drip_ends_with_the_time_that_it_has(alice, loopback, settings):
    settings.FETCH_MINUTES = 0.01

    def drip(write, over):
        while not over.wait(0.05):
            write(b"x")

    assert "It was not all here" in refusal(alice, {"/a.zip": (200, {}, drip)})


def test_a_cancelled_job_lets_go_of_a_server_that_says_nothing(alice, loopback, monkeypatch):
    monkeypatch.setattr(work, "HEARTBEAT_SECONDS", 0.1)
    begun = threading.Event()

    def silent(write, over):
        write(b"some")
        begun.set()
        over.wait(20)

    class Stopped(Quiet):
        def check(self):
            if begun.is_set():
                raise work.WorkCancelled

    before = stored_files("jobs")
    with giving({"/a.zip": (200, {}, silent)}) as server:
        job = fetching.start_fetch(alice, f"{server.url}/a.zip")
        with pytest.raises(work.WorkCancelled):
            fetching.fetch(job, Stopped())
        assert not server.over.is_set()
    assert stored_files("jobs") == before


def test_a_job_that_was_killed_runs_again_and_stores_one_file(alice, loopback, monkeypatch):
    before = stored_files("jobs")
    with giving({"/a.zip": (200, {}, DATA)}) as server:
        job = fetching.start_fetch(alice, f"{server.url}/a.zip")
        claimed = work.claim(Job, job.pk)
        fetching.fetch(claimed, Quiet())  # killed before its row was written
        Job.objects.update(status="pending")
        tasks.fetch_upload(job.pk)
        Job.objects.update(status="pending")  # killed before its end was written
        tasks.fetch_upload(job.pk)
    job.refresh_from_db()
    assert (job.status, Upload.objects.count(), len(server.asked)) == ("completed", 1, 2)
    assert stored_files("jobs") - before == {Upload.objects.get().file.name.removeprefix("jobs/")}


def test_an_operator_who_queues_a_failed_one_again_reads_what_to_do(alice, loopback):
    with giving({"/a.zip": (500, {}, b"")}) as server:
        job = fetched(alice, f"{server.url}/a.zip")
    Job.objects.update(status="pending", error_message="")
    run_job(job.pk, fetching.run_fetch)
    job.refresh_from_db()
    assert "Give it again" in job.error_message


def test_a_person_has_a_few_at_once(alice, bob, api_as):
    api = api_as(alice)
    body = {"url": "https://example.org/a.zip"}
    answers = [api.post("/api/v1/uploads/from-url", body, format="json").status_code for _ in range(6)]
    assert answers == [202] * fetching.MOST_AT_ONCE + [409]
    assert api_as(bob).post("/api/v1/uploads/from-url", body, format="json").status_code == 202
