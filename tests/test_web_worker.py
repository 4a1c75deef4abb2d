"""The web worker: predictions never take the threads of pages, and a flood of them is refused at the door."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace

import pytest

from yolotrainer.demo import free_port
from yolotrainer.web_worker import asks_again, asks_model, plain_length

ASK = "/api/v1/predictions/infer"
HEAD = b"POST /api/v1/predictions/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"


@pytest.fixture(params=[1])
def server(tmp_path, request):
    """(port, folder for `X-Wait`) of a worker with so many places for predictions and two threads for all else."""
    port = free_port()
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "yolotrainer.settings", "DATA_DIR": str(tmp_path), "WEB_THREADS": "2",
        "INFERENCE_THREADS": str(request.param), "INFERENCE_WAITING": "0",
    }  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "tests.waiting_app", "-c", "python:yolotrainer.gunicorn_conf"]
    process = subprocess.Popen([*command, "--bind", f"127.0.0.1:{port}"], env=env)
    try:
        wait_until(lambda: answers(port))
        yield port, tmp_path
    finally:
        (tmp_path / "go").touch()
        process.terminate()
        process.wait(30)


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(port):
    try:
        return ask(connect(port), "GET", "/").startswith(b"GET / 0")
    except OSError:
        return False


def connect(port):
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


def ask(connection, method="POST", path=ASK, body=None, **headers):
    connection.request(method, path, body, headers)
    return connection.getresponse().read()


def take_the_place(port, folder, answers):
    """Ask in a thread, which is returned; it waits in the application until there is `go`."""

    def work():
        answers.append(ask(connect(port), body=b"12345", **{"X-Wait": str(folder)}))

    asking = threading.Thread(target=work)
    asking.start()
    wait_until((folder / "here").exists)
    return asking


def flooded(connection, body=b"x"):
    """Ask until the worker itself refuses; the answer."""
    for _ in range(5000):
        connection.request("POST", ASK, body)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 503:
            return answer, text
    raise AssertionError("The flood is not refused.")


def test_pages_are_answered_and_a_flood_is_refused_while_the_places_are_taken(server):
    port, folder = server
    first = []
    asking = take_the_place(port, folder, first)
    with closing(connect(port)) as other:
        answer, text = flooded(other, b"x" * 300_000)
        assert b"Too many predictions" in text
        assert (int(answer.headers["Retry-After"]) >= 1, answer.headers["Content-Type"]) == (True, "application/json")
        assert ask(other, "GET", "/datasets/") == b"GET /datasets/ 0"  # on the same connection, and not behind it
        assert ask(other, "POST", "/elsewhere", b"1234567") == b"POST /elsewhere 7"
        flooded(other)
        # one whose length is not said is read by gunicorn, and goes on to the application
        chunked = iter([b"abc", b"defg"])
        other.request("POST", ASK, chunked, encode_chunked=True)
        assert other.getresponse().read().startswith(b"POST /api/v1/predictions/infer")
        assert not first
        (folder / "go").touch()
        asking.join(60)
        assert first == [b"POST /api/v1/predictions/infer 5"]
        assert ask(other, body=b"123") == b"POST /api/v1/predictions/infer 3"


def test_a_refused_body_that_comes_in_pieces_is_waited_for(server):
    port, folder = server
    asking = take_the_place(port, folder, [])
    with closing(connect(port)) as other, socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
        flooded(other)
        slow.sendall(HEAD + b"\r\n12")
        assert ask(other, "GET", "/") == b"GET / 0"
        slow.sendall(b"345")
        assert read_until(slow, (b"try again in", b"POST /api/v1/predictions/infer 5")).startswith(b"HTTP/1.1 ")
        slow.sendall(b"GET /after HTTP/1.1\r\nHost: x\r\n\r\n")
        read_until(slow, (b"GET /after 0",))
    (folder / "go").touch()
    asking.join(60)


@pytest.mark.parametrize("server", [3], indirect=True)
def test_clients_that_ask_again_and_again_get_each_answer_and_pages_in_between(server):
    port, _ = server

    def work():
        with closing(connect(port)) as connection:
            for size in range(1, 60):
                assert ask(connection, body=b"x" * size) == f"POST {ASK} {size}".encode()
                if size % 5 == 0:
                    assert ask(connection, "GET", f"/page/{size}") == f"GET /page/{size} 0".encode()
            return True

    with ThreadPoolExecutor(2) as pool:
        assert [one.result(120) for one in [pool.submit(work), pool.submit(work)]] == [True, True]


def read_until(sock, ends):
    """What the socket says until one of these texts is in it."""
    read = b""
    while not any(end in read for end in ends):
        more = sock.recv(4096)
        assert more
        read += more
    return read


@pytest.fixture
def pair():
    here, there = socket.socketpair()
    with here, there:
        yield SimpleNamespace(sock=here, parser=None), there


def test_predictions_are_told_by_their_first_bytes(pair):
    connection, client = pair
    assert not asks_model(connection)
    client.sendall(HEAD + b"\r\n12345")
    assert asks_model(connection)
    assert asks_model(connection)  # nothing was taken
    assert plain_length(connection) == len(HEAD) + 2 + 5


def test_a_thread_stays_only_with_a_client_that_asks_again(pair):
    connection, client = pair
    assert not asks_again(connection)
    client.sendall(HEAD + b"\r\n12345")
    assert asks_again(connection)
    connection.sock.recv(4096)
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert not asks_again(connection)
    connection.sock.recv(4096)
    client.close()
    assert not asks_again(connection)


@pytest.mark.parametrize(
    "head",
    [
        HEAD,  # it has not come to its end
        HEAD + b"Content-Length: 6\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Expect: 100-continue\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n",
        HEAD + b" folded: line\r\n\r\n",
        HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n",
        HEAD.replace(b": 5", b": -5") + b"\r\n",
        HEAD.replace(b": 5", b": 5, 5") + b"\r\n",
        HEAD.replace(b"Content-Length", b"Content-Length ") + b"\r\n",
        HEAD.replace(b"Content-Length: 5\r\n", b"") + b"\r\n",
    ],
)
def test_what_is_not_plain_is_left_to_gunicorn(pair, head):
    connection, client = pair
    client.sendall(head)
    assert plain_length(connection) is None


def test_a_kept_connection_may_say_so(pair):
    connection, client = pair
    client.sendall(HEAD + b"Connection: keep-alive\r\n\r\n")
    assert plain_length(connection) is not None
