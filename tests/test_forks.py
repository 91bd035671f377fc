"""Clients that were made, and used, before their process forked: they go on in parent and children, or say what to do.

Everything runs in processes of its own, so that pytest is not forked with its threads.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from servers import ScriptedServicer, echo, free_port, grpc_server, rest_server
from waiting import PATIENCE, came

import eegrpc
from eegrpc._versions import VersionInterceptor

HERE = Path(__file__).parent
TRANSPORTS = ("grpc", "rest", "auto")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")


def run(*command: object, timeout: float = 60, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    environment |= {"PYTHONPATH": str(HERE.parent), "GRPC_VERBOSITY": "NONE", **variables}  # grpcio is noisy
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
        input=stdin,
    )


class Hanging(ScriptedServicer):
    """Echoes the page token, but for ``hang``, which never answers, and for ``before X``, which leads to X."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = self._answer

    def _answer(self, request, context):
        if request.page_token == "hang":
            gone = threading.Event()
            context.add_callback(gone.set)
            gone.wait(PATIENCE)
        answer = echo(request, context)
        answer.next_page_token = answer.next_page_token.removeprefix("before ")
        return answer


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture
def servicer():
    return Hanging()


@pytest.fixture
def port(transport, servicer):
    with (rest_server if transport == "rest" else grpc_server)(servicer) as number:
        yield number


# --- multiprocessing -------------------------------------------------------------------------------------------------


def children(transport, *options):
    """Run benchmarks/forks.py: four children with 200 calls each and no retries."""
    stress = HERE.parent / "benchmarks" / "forks.py"
    done = run(stress, "--transport", transport, "--children", 4, "--calls", 200, *options)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["reported"], found["hung"], found["exits"], found["problems"]) == (4, 0, {}, {}), done.stderr
    assert not done.stderr


@pytest.mark.parametrize("used", [pytest.param((), id="used"), pytest.param(("--unused",), id="unused")])
def test_con_01_children_go_on_with_the_clients_of_their_parent(transport, used):
    children(transport, *used)


def test_con_03_a_fork_while_other_threads_call(transport):
    children(transport, "--busy", 4)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_con_06_processes_that_are_not_forked_make_their_own(method, transport):
    children(transport, "--method", method)


# --- programs --------------------------------------------------------------------------------------------------------


def run_program(name, transport, port, **options):
    # Python's warnings are not ours: of forks with threads, and of sockets that are open when their loop is closed.
    strict = (*("-W", "error"), *("-W", "ignore:This process:DeprecationWarning"), *("-W", "ignore::ResourceWarning"))
    return run(*strict, HERE / "fork_programs.py", name, transport, port, **options)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("stubs_calls_and_rubbish", id="CON-02-stubs"),
        pytest.param("pager", id="CON-03-pager"),
        pytest.param("pager_ahead", id="CON-03-pager-ahead"),
        pytest.param("asyncio_client", id="CON-11-fork"),
        pytest.param("two_loops", id="CON-11-two-loops"),
    ],
)
def test_programs_end_well_and_say_nothing(name, transport, port):
    done = run_program(name, transport, port)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("transport", ["grpc"])
def test_con_03_a_fork_during_a_call_by_grpc_says_what_to_do(transport, port):
    done = run_program("call_under_way", transport, port)
    assert (done.returncode, done.stdout) == (0, "")
    assert "1 gRPC calls run" in done.stderr
    assert "spawn" in done.stderr


@pytest.mark.parametrize("transport", ["grpc"])
def test_con_05_without_fork_support_grpc_says_so_once_and_does_not_hang(transport, port):
    done = run_program("no_fork_support", transport, port, GRPC_ENABLE_FORK_SUPPORT="0")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("unset the variable") == len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["leave_at_once", "leave_a_loop"])
def test_con_13_the_interpreter_ends_although_calls_run(name, transport, port):
    done = run_program(name, transport, port, stdin="\n", timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (5, "now\n")
    said = done.stderr.splitlines()
    assert not [line for line in said if "nclosed" not in line and not line.startswith("client_session:")], said


# --- gunicorn --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def gunicorn(worker, application, transport, port, *, used):
    """Run gunicorn with four preloaded workers; yield its port."""
    pytest.importorskip("gunicorn")
    number = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--preload", "--workers", "4", "--worker-class", worker),
            *("--threads", "4" if worker == "gthread" else "1", "--bind", f"127.0.0.1:{number}"),
            *("--graceful-timeout", "2", "--timeout", "20", "--no-control-socket", f"fork_app:{application}"),
        ],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("GRPC_")},
            "ENDPOINT": f"http://127.0.0.1:{port}",
            "GRPC_VERBOSITY": "NONE",
            "PYTHONPATH": str(HERE.parent),
            "TRANSPORT": transport,
            "USED": str(int(used)),
        },
    )
    log = ""
    try:
        assert process.stderr is not None
        while "Booting worker" not in log:
            line = process.stderr.readline()
            assert line, log
            log += line
        yield number
    finally:
        process.terminate()
        log += process.communicate(timeout=PATIENCE)[1]
    assert "Traceback" not in log
    assert "SIG" not in log.replace("SIGTERM", ""), log


def load(port, requests):
    """Send requests from eight threads, each with a tag; return the processes that answered."""

    def send(tags):
        seen = set()
        for tag in tags:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", f"/{tag}")
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            assert answer.status == 200, body
            echoed, process = body.split()
            assert echoed == tag
            seen.add(process)
        return seen

    with ThreadPoolExecutor(8) as pool:
        shares = [[f"t{n}-{i}" for i in range(requests // 8)] for n in range(8)]
        return set().union(*pool.map(send, shares))


@pytest.mark.parametrize(
    ("worker", "application", "used"),
    [
        pytest.param("sync", "wsgi", True, id="sync-used"),
        pytest.param("sync", "wsgi", False, id="sync-unused"),
        pytest.param("gthread", "wsgi", True, id="gthread-used"),
        pytest.param("uvicorn.workers.UvicornWorker", "asgi", True, id="uvicorn-used"),
    ],
)
@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_con_04_gunicorn_with_preloaded_workers(worker, application, transport, port, used):
    with gunicorn(worker, application, transport, port, used=used) as number:
        assert len(load(number, 800)) > 1


# --- Celery ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_con_04_celerys_prefork_pool(transport, port, tmp_path):
    pytest.importorskip("celery", reason="the extra celery is not installed")
    (tmp_path / "queue").mkdir()
    (tmp_path / "control").mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GRPC_")},
        "ENDPOINT": f"http://127.0.0.1:{port}",
        "FOLDER": str(tmp_path),
        "GRPC_VERBOSITY": "NONE",
        "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}",
        "TRANSPORT": transport,
        "USED": "1",
    }
    calls = "from fork_celery import call\nfor number in range(40):\n    call.delay(20 * number, 20)\n"
    sender = {**environment, "USED": "0"}
    subprocess.run([sys.executable, "-c", calls], cwd=tmp_path, env=sender, capture_output=True, check=True, timeout=60)
    worker = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "--app", "fork_celery", "worker", "--pool", "prefork"),
            *("--concurrency", "4", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
        ],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert came(lambda: len(list(tmp_path.glob("done-*.json"))) == 40 or worker.poll() is not None, 60)
    finally:
        worker.terminate()
        try:
            log = worker.communicate(timeout=PATIENCE)[0].decode()
        finally:
            worker.kill()
    results = [json.loads(path.read_text()) for path in tmp_path.glob("done-*.json")]
    answers = sorted(answer for result in results for answer in result["answers"])
    assert answers == sorted(f"tag-{number}" for number in range(800)), log
    assert len({result["process"] for result in results}) == 4
    assert "Traceback" not in log


# --- pickling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        eegrpc.EarthEngineClient,
        eegrpc.EarthEngineAsyncClient,
        eegrpc.create_channel,
        lambda **options: eegrpc.create_channel(interceptors=[VersionInterceptor("v1")], **options),
    ],
)
async def test_con_06_pickling_says_what_to_do(make, transport):
    made = make(endpoint="http://127.0.0.1:1", transport=transport)
    with pytest.raises(TypeError, match="make one in the other process"):
        pickle.dumps(made)
    closing = made.close()
    if closing is not None:
        await closing
