"""A client that was used before the process forked, as under `gunicorn --preload`, Celery and multiprocessing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from .raw_server import API_KEY, RawServer, acknowledge

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

START = """
import os, sys, threading, warnings
import requests
from requests.adapters import HTTPAdapter
from smsmobile import SMSMobileClient

warnings.filterwarnings("ignore", message=".*multi-threaded.*fork.*")
session = None
if sys.argv[3] == "a session of the user's":
    session = requests.Session()
    session.mount("http", HTTPAdapter(pool_maxsize=8, pool_block=True))
client = SMSMobileClient(api_key=sys.argv[2], base_url=sys.argv[1], session=session)

def send(name):
    assert client.sms.send("+33612345678", name).guid == name

def at_once(name, threads, sends):
    failures = []
    gate = threading.Barrier(threads)
    def run(thread):
        try:
            gate.wait()
            for number in range(sends):
                send(f"{name}-{thread}-{number}")
        except BaseException as error:
            failures.append(repr(error))
    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for thread in running: thread.start()
    for thread in running: thread.join()
    return failures

def in_a_child(run):
    child = os.fork()
    if not child:
        try:
            failures = run()
        except BaseException as error:
            failures = [repr(error)]
        if failures:
            print("child:", failures, flush=True)
        client.close()
        os._exit(bool(failures))
    return child

def end_of(child):
    assert os.waitpid(child, 0)[1] == 0
"""


def run(server: RawServer, script: str, session: str = "our session") -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", START + script, server.url, API_KEY, session],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    arrived = Counter(request.form["message"] for request in server.requests)
    assert set(arrived.values()) == {1}


@pytest.mark.parametrize("session", ["our session", "a session of the user's"])
def test_threads_of_a_child_that_start_at_once_get_their_own_connections(
    raw_server: Callable[..., RawServer], session: str
) -> None:
    with raw_server((acknowledge,)) as server:
        run(
            server,
            """
send("before")
children = [in_a_child(lambda: at_once("child-%d" % number, 4, 10)) for number in range(3)]
assert at_once("parent", 4, 10) == []
for child in children: end_of(child)
""",
            session,
        )
    assert server.messages == 1 + 4 * 40


def test_no_thread_of_a_child_closes_what_another_has_just_made() -> None:
    with RawServer((acknowledge,)) as server:
        run(
            server,
            """
sys.setswitchinterval(1e-6)
send("before")
for number in range(50):
    end_of(in_a_child(lambda: at_once("child-%d" % number, 4, 1)))
""",
        )
    assert server.messages == 201


def test_the_connection_of_the_parent_lives_on(raw_server: Callable[..., RawServer]) -> None:
    """Neither does the child use it, nor does closing it there say goodbye to the server, over TLS either."""
    with raw_server((acknowledge,)) as server:
        run(
            server,
            """
send("before")
end_of(in_a_child(lambda: (send("child"), client.close())[:0]))
send("after")
""",
        )
    assert server.messages == 3
    assert server.connections == 2


def test_a_lock_that_a_thread_of_the_parent_held_is_free_in_the_child(raw_server: Callable[..., RawServer]) -> None:
    with raw_server((acknowledge,)) as server:
        run(
            server,
            """
send("before")
(adapter,) = set(client._transport._session.adapters.values())
(pool,) = adapter._pools.values()
with adapter.poolmanager.pools.lock, pool.pool.mutex:
    child = in_a_child(lambda: at_once("child", 2, 2))
end_of(child)
""",
        )
    assert server.messages == 5


def test_a_process_that_forks_without_telling_python_does_not_use_the_parents_connection(
    raw_server: Callable[..., RawServer],
) -> None:
    """uWSGI does so by default: what Python runs at a fork does not run."""
    with raw_server((acknowledge,)) as server:
        run(
            server,
            """
send("before")
getpid, os.getpid = os.getpid, lambda: -1
send("child")
send("child again")
os.getpid = getpid
""",
        )
    assert server.connections == 2
