"""Each fault as plain clients of either protocol see it."""

import concurrent.futures
import gzip
import http.client
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from plain_callers import EXPRESSION, PATIENCE, ask, catalog, details, grpc_failure, grpc_stub, message

import eegrpc
from eegrpc.emulator import Emulator, FaultPlan

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(catalog()) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Iterator[Emulator]:
    yield running
    running.set_faults(None)


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        ("unavailable", Code.UNAVAILABLE, "injected fault: unavailable"),
        (
            "invalid_argument(message='User memory limit exceeded.')",
            Code.INVALID_ARGUMENT,
            "User memory limit exceeded.",
        ),
        ("reset", Code.UNAVAILABLE, "Stream removed"),  # by whichever of reading and writing notices first
        ("reset_in_body(after=10)", Code.UNAVAILABLE, "Stream removed"),
        ("truncate(after=10)", Code.UNKNOWN, ""),
        ("invalid_body", Code.INTERNAL, "deserializing"),
        ("cut_gzip", Code.INTERNAL, "ecompress"),
        ("garbage", Code.UNKNOWN, ""),
        ("html_502", Code.UNAVAILABLE, "502"),
        ("redirect", Code.UNKNOWN, "302"),
        ("huge_headers", Code.RESOURCE_EXHAUSTED, "metadata size"),
        ("rst_stream(code='refused_stream')", Code.UNAVAILABLE, "RST_STREAM"),
        ("rst_stream(code='cancel')", Code.CANCELLED, ""),
        ("gzip_bomb(mib=8)", Code.RESOURCE_EXHAUSTED, "larger than max"),
    ],
)
def test_grpc_sees_it_and_then_all_is_well(emulator: Emulator, fault: str, code: grpc.StatusCode, text: str) -> None:
    emulator.set_faults(FaultPlan(script=[fault]))
    with grpc_stub(emulator) as stub:
        error = grpc_failure(stub)
    assert error.code() is code
    assert text in (error.details() or "")
    with grpc_stub(emulator) as stub:
        assert len(stub.ComputeImages(message(), timeout=PATIENCE).images) == 20
    assert [(event.number, event.protocol, event.fault) for event in emulator.events] == [(1, "grpc", fault)]


@pytest.mark.parametrize(
    "fault", ["drip(size=1000, interval=0)", "wrong_content_type", "goaway", "latency=0.001", "ok"]
)
def test_grpc_gets_the_true_answer_in_spite_of_it(emulator: Emulator, fault: str) -> None:
    emulator.set_faults(None)
    with grpc_stub(emulator, resend=1) as stub:
        whole = stub.ComputeImages(message())
        emulator.set_faults(FaultPlan(script=[fault]))
        assert stub.ComputeImages(message(), timeout=PATIENCE) == whole
        assert stub.ComputeImages(message(), timeout=PATIENCE, wait_for_ready=True) == whole


def test_grpc_takes_a_success_without_a_message_for_none(emulator: Emulator) -> None:
    emulator.set_faults(FaultPlan(script=["no_message"]))
    with grpc_stub(emulator) as stub:
        assert stub.ComputeImages(message(), timeout=PATIENCE) is None


def test_a_call_that_a_goaway_excludes_may_be_sent_again(emulator: Emulator) -> None:
    emulator.set_faults(FaultPlan(["goaway(processed=False)@1", "goaway(processed=False)@3"]))
    with grpc_stub(emulator) as stub:
        error = grpc_failure(stub)
    assert error.code() is Code.UNAVAILABLE
    assert "GOAWAY" in (error.details() or "")
    with grpc_stub(emulator, resend=1) as stub:
        for _ in range(3):  # grpc itself sends again what came to nothing
            assert len(stub.ComputeImages(message(), timeout=PATIENCE).images) == 20
    assert [event.number for event in emulator.events] == [1, 3]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset", ConnectionResetError),
        ("rst_stream", ConnectionResetError),
        ("reset_in_body", ConnectionResetError),
        ("truncate", http.client.IncompleteRead),
        ("goaway(processed=False)", http.client.RemoteDisconnected),
        ("garbage", http.client.BadStatusLine),
        ("huge_headers", http.client.LineTooLong),
    ],
)
def test_rest_loses_the_connection(
    emulator: Emulator, fault: str, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    emulator.set_faults(FaultPlan(script=[fault]))
    with pytest.raises(error):
        ask(emulator)
    assert ask(emulator)[0] == 200
    assert [(event.number, event.protocol, event.fault) for event in emulator.events] == [(1, "rest", fault)]
    assert not caplog.records


@pytest.mark.parametrize(
    ("fault", "status", "header", "body"),
    [
        ("html_502", 502, ("content-type", "text/html"), rb"<html>"),
        ("redirect(location='http://x.invalid/y')", 302, ("location", "http://x.invalid/y"), rb"^$"),
        ("invalid_body", 200, ("content-type", "application/json"), rb'^\{"images'),
        ("no_message", 200, ("content-type", "application/json"), rb"^$"),
        ("cut_gzip", 200, ("content-encoding", "gzip"), rb"^\x1f\x8b"),
        ("wrong_content_type", 200, ("content-type", "text/html"), rb'^\{"images'),
        ("huge_headers(kib=4)", 200, ("x-huge", "xxxx"), rb'^\{"images'),
        ("goaway", 200, ("connection", "close"), rb'^\{"images'),
        ("unavailable=2", 503, ("retry-after", "2"), rb"injected fault"),
        ("drip(size=1000, interval=0)", 200, ("content-type", "application/json"), rb'^\{"images'),
    ],
)
def test_rest_gets_an_odd_answer(
    emulator: Emulator, fault: str, status: int, header: tuple[str, str], body: bytes
) -> None:
    emulator.set_faults(FaultPlan(fault))
    found, headers, data = ask(emulator)
    assert found == status
    assert headers[header[0]].startswith(header[1])
    assert re.search(body, data)


def test_what_is_labelled_or_dripped_over_rest_is_the_true_answer(emulator: Emulator) -> None:
    whole = json.loads(ask(emulator)[2])
    for fault in ("wrong_content_type", "drip(size=1000, interval=0)", "huge_headers(kib=1)", "goaway"):
        emulator.set_faults(FaultPlan(fault))
        assert json.loads(ask(emulator)[2]) == whole
    emulator.set_faults(FaultPlan("invalid_body"))
    body = ask(emulator)[2]
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_a_cut_body_over_rest_is_the_beginning_of_the_true_one(emulator: Emulator) -> None:
    whole = ask(emulator)[2]
    emulator.set_faults(FaultPlan("truncate(after=1000)"))
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(emulator)
    assert cut.value.partial == whole[:1000]


def test_a_gzip_bomb_over_rest_is_small_until_it_is_unpacked(emulator: Emulator) -> None:
    emulator.set_faults(FaultPlan("gzip_bomb(mib=8)"))
    _, headers, body = ask(emulator)
    assert headers["content-encoding"] == "gzip"
    assert len(body) < 64 * 1024
    with gzip.open(io.BytesIO(body)) as unpacked:
        assert sum(len(piece) for piece in iter(lambda: unpacked.read(1 << 16), b"")) > 8 << 20


def test_callers_who_leave_a_bomb_or_a_drip_are_no_error(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    emulator.set_faults(FaultPlan(script=["drip(size=1, interval=0.001)", "gzip_bomb(mib=64)"]))
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=PATIENCE)
        connection.request(
            "POST", "/v1/projects/p/imageCollection:computeImages", json.dumps({"expression": EXPRESSION})
        )
        connection.getresponse().read(1)
        connection.close()
    with grpc_stub(emulator) as stub:
        assert len(stub.ComputeImages(message()).images) == 20
    assert not caplog.records


def test_errors_have_the_details_of_googles(emulator: Emulator) -> None:
    emulator.set_faults(FaultPlan("rate_limit(retry_info=2.5, retry_after=3)"))
    with grpc_stub(emulator) as stub:
        error = grpc_failure(stub)
    info, retry = details(error, error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo())
    assert (info.reason, info.domain) == ("RATE_LIMIT_EXCEEDED", "googleapis.com")  # type: ignore[attr-defined]
    assert retry.retry_delay.ToMilliseconds() == 2500  # type: ignore[attr-defined]
    assert ("retry-after", "3") in error.initial_metadata()
    status, headers, body = ask(emulator)
    found = json.loads(body)["error"]
    assert (status, found["status"], headers["retry-after"]) == (429, "RESOURCE_EXHAUSTED", "3")
    assert [detail.get("reason") or detail["retryDelay"] for detail in found["details"]] == [
        "RATE_LIMIT_EXCEEDED",
        "2.500s",
    ]


@pytest.mark.parametrize(
    "name", ["aborted", "data_loss", "internal", "deadline_exceeded", "unauthenticated", "unknown"]
)
def test_every_status_code_can_be_had(emulator: Emulator, name: str) -> None:
    emulator.set_faults(FaultPlan(name))
    with grpc_stub(emulator) as stub:
        assert grpc_failure(stub).code() is Code[name.upper()]
    assert json.loads(ask(emulator)[2])["error"]["status"] == name.upper()


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_tokens_expire_after_some_requests(
    emulator: Emulator, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    emulator.set_faults(FaultPlan("expire_tokens=2"))

    def call(token: str | None) -> int:
        header = {} if token is None else {"authorization": f"Bearer {token}"}
        if transport == "rest":
            return ask(emulator, **header)[0]
        with grpc_stub(emulator) as stub:
            try:
                stub.ComputeImages(message(), metadata=tuple(header.items()))
            except grpc.RpcError as error:
                return {Code.UNAUTHENTICATED: 401}[error.code()]
        return 200

    tokens = ["first-secret", "first-secret", "first-secret", "second-secret", "first-secret", None]
    assert [call(token) for token in tokens] == [200, 200, 401, 200, 401, 401]
    assert [(event.number, event.fault) for event in emulator.events] == [(n, "expire_tokens") for n in (3, 5, 6)]
    assert "secret" not in repr(emulator.events)
    assert "-secret" not in caplog.text


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_empty_pages_lose_nothing_and_never_repeat_a_token(emulator: Emulator, transport: str) -> None:
    emulator.set_faults(FaultPlan(script=["empty_page", "empty_page", "ok", "empty_page", "ok", "empty_page"]))
    seen, tokens, token = [], [], ""
    with eegrpc.create_channel(emulator.endpoint, transport=transport) as channel:
        stub = eegrpc.v1alpha.EarthEngineStub(channel)
        while True:
            page = stub.ComputeImages(message(pageSize=8, pageToken=token))
            seen.append([image.id for image in page.images])
            token = page.next_page_token
            if not token:
                break
            tokens.append(token)
    assert [len(ids) for ids in seen] == [0, 0, 8, 0, 8, 0, 4]
    assert [each for ids in seen for each in ids] == [image.id for image in catalog()]
    assert len(set(tokens)) == len(tokens)


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_repeated_token_is_the_requests_own(emulator: Emulator, transport: str) -> None:
    emulator.set_faults(FaultPlan("repeated_token"))
    with eegrpc.create_channel(emulator.endpoint, transport=transport) as channel:
        stub = eegrpc.v1alpha.EarthEngineStub(channel)
        token = stub.ComputeImages(message(pageSize=8)).next_page_token
        assert token
        assert stub.ComputeImages(message(pageSize=8, pageToken=token)).next_page_token == token


def outcomes(emulator: Emulator, count: int) -> list[object]:
    """Return how calls in turn go, by both protocols."""
    found: list[object] = []
    for number in range(count):
        try:
            if number % 2:
                found.append(ask(emulator)[0])
            else:
                with grpc_stub(emulator) as stub:
                    found.append(len(stub.ComputeImages(message()).images))
        except grpc.RpcError as error:
            found.append(error.code())
        except (OSError, http.client.HTTPException) as error:
            found.append(type(error))
    return found


MIXED = (
    "unavailable:0.1",
    "reset:0.1",
    "truncate:0.1",
    "html_502:0.1",
    "empty_page:0.1",
    "latency=uniform(0, 0.001):0.5",
)


def test_emu_05_the_same_seed_gives_the_same_event_log_and_outcomes() -> None:
    runs = []
    for seed in (1, 1, 2):
        with Emulator(catalog(), faults=FaultPlan(MIXED, seed=seed)) as emulator:
            runs.append((outcomes(emulator, 40), emulator.events))
    assert runs[0] == runs[1]
    assert runs[0][1] != runs[2][1]
    assert len({event.fault for event in runs[0][1]}) == 6  # all of them, and latency alone


def test_emu_05_the_log_does_not_depend_on_who_comes_when(emulator: Emulator) -> None:
    logs: list[Any] = []
    for workers in (1, 8):
        emulator.set_faults(FaultPlan(MIXED, seed=3))
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for _ in range(60):
                pool.submit(ask, emulator)
        logs.append(emulator.events)
    assert logs[0] == logs[1]


def test_faults_on_one_connection_leave_its_other_calls_alone(emulator: Emulator) -> None:
    """Of header blocks that the client never gets, none may be missed by those that follow."""
    kinds = ["html_502", "truncate", "rst_stream", "redirect", "wrong_content_type", "drip(size=50, interval=0)"]
    emulator.set_faults(FaultPlan([f"{kind}:0.1" for kind in kinds], seed=5))
    with grpc_stub(emulator) as stub:
        calls = [stub.ComputeImages.future(message(pageSize=1 + number % 20)) for number in range(200)]
        results = [call.exception(timeout=PATIENCE) or len(call.result().images) for call in calls]
    good = [(number, result) for number, result in enumerate(results) if isinstance(result, int)]
    assert all(result == 1 + number % 20 for number, result in good)
    hidden = [event for event in emulator.events if event.fault in kinds[:4]]
    assert len(results) - len(good) == len(hidden) > 40


def test_large_answers_that_are_hidden_give_the_window_back() -> None:
    with Emulator(catalog(100, 5_000), faults=FaultPlan(["truncate@1-100"])) as emulator, grpc_stub(emulator) as stub:
        for _ in range(100):  # 50 MB: many windows
            assert grpc_failure(stub).code() is Code.UNKNOWN
        assert len(stub.ComputeImages(message(), timeout=PATIENCE).images) == 100


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_latency_ends_when_its_caller_leaves_or_the_emulator_stops(transport: str) -> None:
    with (
        Emulator(catalog(), faults=FaultPlan("latency=3600")) as emulator,
        eegrpc.create_channel(emulator.endpoint, transport=transport) as channel,
    ):
        stub = eegrpc.v1alpha.EarthEngineStub(channel)
        with pytest.raises(grpc.RpcError) as late:
            stub.ComputeImages(message(), timeout=0.2)
        assert late.value.code() is Code.DEADLINE_EXCEEDED
        waiting = stub.ComputeImages.future(message())
        assert emulator.wait_for_events(2, PATIENCE)  # the request has arrived
        emulator.stop()
        assert waiting.exception(timeout=PATIENCE) is not None


def test_the_rest_of_the_port_has_no_faults(emulator: Emulator) -> None:
    emulator.set_faults(FaultPlan("reset"))
    assert ask(emulator, path="/v1/nothing")[0] == 404
    assert ask(emulator, body={"pageSise": 1})[0] == 400
    assert emulator.events == ()
