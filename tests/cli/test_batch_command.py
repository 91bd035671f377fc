"""``eegrpc batch``: what it writes, and going on after failures, interruptions and kills; against a scripted server."""

import collections
import json
import os
import random
import signal
import threading

import grpc
import pytest
from commands import PATIENCE, image, run, start
from servers import ScriptedServicer, grpc_server

from eegrpc.v1alpha import ComputeImagesResponse


def expression(name):
    return {"result": "0", "values": {"0": {"constantValue": name}}}


def paged(request, _=None):
    """Answer ``NAME:COUNT`` with so many pages of two images."""
    name = request.expression.values["0"].constant_value.string_value
    count = int(name.partition(":")[2] or 1)
    page = int(request.page_token or 0)
    images = [image(f"{name.replace(':', '_')}/{2 * page + place}") for place in range(2)]
    return ComputeImagesResponse(images=images, next_page_token=str(page + 1) if page + 1 < count else "")


@pytest.fixture
def servicer():
    servicer = ScriptedServicer()
    servicer.answer = paged
    return servicer


@pytest.fixture
def where(servicer):
    with grpc_server(servicer) as port:
        yield ["--endpoint", f"http://127.0.0.1:{port}", "--project", "p", "--transport", "grpc", "--concurrency", "4"]


@pytest.fixture
def requests(tmp_path):
    """Write requests, return their file; 40 of one to three pages unless told."""

    def write(lines=None):
        lines = lines or [{"expression": expression(f"{n}:{n % 3 + 1}"), "key": f"k{n}"} for n in range(40)]
        path = tmp_path / "requests.ndjson"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
        return str(path)

    return write


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.ndjson"


def pages_of(out):
    """Return the images by request and page; no page is there twice, and none after the last."""
    found = collections.defaultdict(dict)
    for line in out.read_text().splitlines():
        page = json.loads(line)
        assert page["page"] not in found[page["index"]]
        found[page["index"]][page["page"]] = [each["id"] for each in page["images"]]
    return dict(found)


def expected(count=40):
    return {
        n: {page + 1: [f"TEST/{n}_{n % 3 + 1}/{2 * page + place}" for place in range(2)] for page in range(n % 3 + 1)}
        for n in range(count)
    }


def test_every_page_is_a_line(requests, out, where):
    done = run("batch", requests(), "-o", str(out), *where)
    assert done.returncode == 0, done.stderr
    assert pages_of(out) == expected()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["key"] for line in lines} == {f"k{n}" for n in range(40)}
    assert sum(line["last"] for line in lines) == 40
    assert not out.with_name("out.ndjson.failed").exists()
    assert b"40 of 40 requests are done: 158 images" in done.stderr
    assert done.stdout == b""


def test_bare_expressions_and_all_fields_of_a_request(requests, out, where, servicer):
    fields = {"key": "a", "project": "q", "pageSize": 7, "workloadTag": "t", "fields": "images.id", "limit": 3}
    seen = []
    servicer.answer = lambda request, context: (
        seen.append((request, dict(context.invocation_metadata()))) or paged(request)
    )
    lines = [expression("a"), {"expression": expression("b:9"), **fields}, "", expression("c")]
    done = run("batch", requests(lines), "-o", str(out), *where)
    assert done.returncode == 0, done.stderr
    assert {index: sum(map(len, pages.values())) for index, pages in pages_of(out).items()} == {0: 2, 1: 3, 2: 2}
    request, metadata = next(each for each in seen if each[0].page_size)
    # A page is no larger than what is wanted in all.
    assert (request.project, request.page_size, request.workload_tag) == ("projects/q", 3, "t")
    assert metadata["x-goog-fieldmask"] == "images.id,nextPageToken"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "Expecting value"),
        ("[]", "not an object"),
        ("[" * 100_000, "nests too deeply"),
        ('{"expression": {}, "kee": 1}', "'kee' is not a field of a request"),
        ('{"expression": {}, "limit": "3"}', "limit is not a whole number"),
        ('{"expression": {}, "key": 3}', "key is not a text"),
        ('{"expression": 7}', "expression"),
        ('{"expression": {"values": {}}}', "result"),
    ],
)
def test_a_bad_line_fails_alone(requests, out, where, line, message):
    done = run("batch", requests([expression("a"), line, expression("b")]), "-o", str(out), *where)
    assert done.returncode == 1
    assert sorted(pages_of(out)) == [0, 2]
    (failed,) = map(json.loads, out.with_name("out.ndjson.failed").read_text().splitlines())
    assert failed["line"] == 2
    assert failed["code"] == "INVALID_ARGUMENT"
    assert message in failed["message"]


def test_what_failed_is_in_a_file_and_is_tried_again(requests, out, where, servicer):
    def broken(request, context):
        if request.page_token == "1" and "5:3" in request.expression.values["0"].constant_value.string_value:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "User memory limit exceeded.")
        return paged(request)

    servicer.answer = broken
    done = run("batch", requests(), "-o", str(out), *where)
    assert done.returncode == 1
    assert b"2 failed" in done.stderr  # 5 and 35
    failed = [json.loads(line) for line in out.with_name("out.ndjson.failed").read_text().splitlines()]
    assert sorted(each["key"] for each in failed) == ["k35", "k5"]
    assert {(each["reason"], each["page"], each["request"]["key"]) for each in failed} == {
        ("MEMORY_LIMIT_EXCEEDED", 2, key) for key in ("k5", "k35")
    }
    servicer.answer, servicer.calls = paged, 0
    done = run("batch", requests(), "-o", str(out), "--resume", *where)
    assert done.returncode == 0, done.stderr
    assert servicer.calls == 4  # from the page that failed
    assert pages_of(out) == expected()
    assert not out.with_name("out.ndjson.failed").exists()


def test_resuming_what_is_done_sends_nothing(requests, out, where, servicer):
    assert run("batch", requests(), "-o", str(out), *where).returncode == 0
    before, servicer.calls = out.read_bytes(), 0
    done = run("batch", requests(), "-o", str(out), "--resume", *where)
    assert (done.returncode, servicer.calls, out.read_bytes()) == (0, 0, before)
    assert b"40 of them in earlier runs" in done.stderr


def test_a_torn_line_is_cut_off(requests, out, where):
    assert run("batch", requests(), "-o", str(out), *where).returncode == 0
    whole = out.read_bytes()
    for cut in (1, 2, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        out.write_bytes(whole[:cut])
        assert run("batch", requests(), "-o", str(out), "--resume", *where).returncode == 0
        assert pages_of(out) == expected()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_ten_times_nothing_is_lost_and_nothing_comes_twice(requests, out, where, servicer):
    path, draws, lock = requests(), random.Random(7), threading.Lock()
    until = 0
    command = None

    def deadly(request, _):
        nonlocal until
        with lock:
            until -= 1
            if until == 0:
                os.kill(command.pid, signal.SIGKILL)
        return paged(request)

    for _ in range(10):
        with lock:
            until = draws.randint(1, 12)
            servicer.answer = deadly
            command = start("batch", path, "-o", str(out), "--resume", *where)
        command.communicate(timeout=PATIENCE)
        assert command.returncode == -signal.SIGKILL
    servicer.answer = paged
    done = run("batch", path, "-o", str(out), "--resume", *where)
    assert done.returncode == 0, done.stderr
    assert pages_of(out) == expected()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_ctrl_c_ends_what_is_under_way_and_begins_nothing_more(requests, out, where, servicer):
    held, release = threading.Semaphore(0), threading.Event()

    def hold(request, _):
        held.release()
        assert release.wait(PATIENCE)
        return paged(request)

    servicer.answer = hold
    command = start("batch", requests([expression(str(n)) for n in range(40)]), "-o", str(out), *where)
    for _ in range(4):
        assert held.acquire(timeout=PATIENCE)
    command.send_signal(signal.SIGINT)
    assert b"4 under way are finished" in command.stderr.readline()
    release.set()
    _, errors = command.communicate(timeout=PATIENCE)
    assert command.returncode == 130
    assert b"--resume" in errors
    assert servicer.calls == 4
    assert len(pages_of(out)) == 4


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_second_ctrl_c_stops_at_once(requests, out, where, servicer):
    held, release = threading.Semaphore(0), threading.Event()

    def hold(request, context):
        context.add_callback(release.set)
        held.release()
        assert release.wait(PATIENCE)
        return paged(request)

    servicer.answer = hold
    command = start("batch", requests(), "-o", str(out), *where)
    for _ in range(4):
        assert held.acquire(timeout=PATIENCE)
    command.send_signal(signal.SIGINT)
    assert b"under way" in command.stderr.readline()
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=PATIENCE)
    assert command.returncode == 130
    assert b"Traceback" not in errors
    assert release.is_set()  # the server saw its callers go


def test_what_is_there_is_not_overwritten(requests, out, where):
    out.write_text("mine\n")
    done = run("batch", requests(), "-o", str(out), *where)
    assert done.returncode == 2
    assert b"is there already" in done.stderr
    done = run("batch", requests(), "-o", str(out), "--resume", *where)
    assert done.returncode == 2
    assert b"line 1: not a line that eegrpc batch wrote" in done.stderr
    assert out.read_text() == "mine\n"


def test_other_requests_are_noticed(requests, out, where, servicer):
    def broken(request, context):
        if request.page_token:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")
        return paged(request)

    servicer.answer = broken
    assert run("batch", requests(), "-o", str(out), *where).returncode == 1
    done = run("batch", requests([expression("x:2")] * 3), "-o", str(out), "--resume", *where)
    assert done.returncode == 2
    assert b"is the output of other requests: request 2 has changed since" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="files are not locked there")
def test_two_runs_do_not_write_to_one_file(requests, out, where, servicer):
    held, release = threading.Event(), threading.Event()

    def hold(request, _):
        held.set()
        assert release.wait(PATIENCE)
        return paged(request)

    servicer.answer = hold
    first = start("batch", requests(), "-o", str(out), *where)
    assert held.wait(PATIENCE)
    second = run("batch", requests(), "-o", str(out), "--resume", *where)
    assert second.returncode == 2
    assert b"is in use" in second.stderr
    release.set()
    first.communicate(timeout=PATIENCE)
    assert first.returncode == 0


def test_files_that_cannot_be_used(requests, out, where, tmp_path):
    done = run("batch", str(tmp_path / "none.ndjson"), "-o", str(out), *where)
    assert (done.returncode, b"cannot read the requests" in done.stderr) == (2, True)
    done = run("batch", requests(), "-o", str(tmp_path / "no" / "out"), *where)
    assert (done.returncode, b"cannot write" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--emulator", "--endpoint", "http://127.0.0.1:1"], b"takes no --endpoint"),
        (["--emulator", "--credentials", "key.json"], b"takes no --credentials"),
        (["--catalog", "images.ndjson"], b"--catalog is for --emulator"),
    ],
)
def test_arguments_that_contradict_each_other(requests, out, arguments, message):
    done = run("batch", requests(), "-o", str(out), *arguments)
    assert (done.returncode, message in done.stderr) == (2, True)
    assert not out.exists()
