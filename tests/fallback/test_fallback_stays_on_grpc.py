"""FBK-02: what never makes a call switch from gRPC to REST."""

from __future__ import annotations

import grpc
import grpc.aio
import pytest
from fallback_peers import Port, client, closes, html, http1_answers, rst_stream, splice
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from judges import is_free
from servers import Hang
from waiting import PATIENCE

import eegrpc
from eegrpc._fallback import Route

Code = grpc.StatusCode


ORDINARY = [code for code in Code if code not in (Code.OK, Code.UNIMPLEMENTED)]


@pytest.mark.parametrize("code", ORDINARY, ids=[f"FBK-02-{code.name}" for code in ORDINARY])
@pytest.mark.parametrize("first", [True, False], ids=["at-first", "after-a-success"])
def test_fbk_02_an_ordinary_error_stays_on_grpc(both, stack, colour, code, first):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    if not first:
        assert auto.call().code is Code.OK
    over_grpc.calls = 0
    over_grpc.answer = lambda _, context: context.abort(code, "as the servicer says")
    outcome = auto.call()
    assert (outcome.code, outcome.details) == (code, "as the servicer says")
    assert not outcome.trailing
    assert (over_grpc.calls, over_rest.calls, port.seen["http1"]) == (1, 0, 0)


def test_fbk_02_unimplemented_after_a_success(both, stack, colour):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    assert auto.call().code is Code.OK
    over_grpc.answer = lambda _, context: context.abort(Code.UNIMPLEMENTED, "no longer")
    assert auto.call().code is Code.UNIMPLEMENTED
    assert over_rest.calls == port.seen["http1"] == 0


def test_fbk_02_unimplemented_by_our_own_service(both, stack, colour):
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason="NOT_HERE"))
    rich = status_pb2.Status(code=Code.UNIMPLEMENTED.value[0], message="not here", details=[packed])
    port, over_grpc, over_rest = both
    over_grpc.answer = lambda _, context: context.abort_with_status(rpc_status.to_status(rich))
    auto = stack.enter_context(client(colour, port.url))
    outcome = auto.call()
    assert (outcome.code, outcome.status) == (Code.UNIMPLEMENTED, rich)
    assert auto.judge.settled() is Route.GRPC
    assert over_rest.calls == 0


def test_fbk_02_a_deadline_that_passes_while_the_server_works(both, stack, colour):
    port, over_grpc, over_rest = both
    over_grpc.answer = hang = Hang()
    auto = stack.enter_context(client(colour, port.url))
    assert auto.call(timeout=0.5).code is Code.DEADLINE_EXCEEDED
    assert hang.arrived.is_set()
    assert (over_grpc.calls, over_rest.calls, port.seen["http1"]) == (1, 0, 0)
    assert is_free(auto.judge)


@pytest.mark.parametrize("status", [401, 429, 503])
def test_fbk_02_an_overloaded_or_picky_proxy_proves_nothing(stack, rest, colour, status):
    port = stack.enter_context(Port(html(status), splice(rest[1])))
    auto = stack.enter_context(client(colour, port.url))
    outcome = auto.call()
    assert outcome.details.endswith(f"status: {status}")
    assert rest[0].calls == port.seen["http1"] == 0
    assert is_free(auto.judge)


@pytest.mark.parametrize("fault", ["dropped", "gone"])
def test_fbk_02_a_server_that_goes_away_after_a_success(both, stack, colour, fault):
    port, over_grpc, over_rest = both
    auto = stack.enter_context(client(colour, port.url))
    assert auto.call().code is Code.OK
    over_grpc.answer = hang = Hang()
    running = auto.start()
    assert hang.arrived.wait(PATIENCE)
    if fault == "gone":
        port.scripts["http2"] = closes
    port.drop()
    assert running.end().code is Code.UNAVAILABLE
    if fault == "gone":
        assert auto.call().code is Code.UNAVAILABLE
    assert over_rest.calls == port.seen["http1"] == 0


def test_fbk_02_a_method_with_side_effects_is_not_sent_twice(stack, rest):
    from google.longrunning import operations_pb2

    port = stack.enter_context(Port(rst_stream(2), http1_answers(b"{}")))
    channel = stack.enter_context(eegrpc.create_channel(port.url))
    request = operations_pb2.CancelOperationRequest(name="operations/o")
    cancel = channel.unary_unary("/google.longrunning.Operations/CancelOperation", type(request).SerializeToString)
    with pytest.raises(grpc.RpcError, match="RST_STREAM"):
        cancel(request, timeout=PATIENCE)
    assert port.requests == []
    port.scripts["http2"] = html(404)  # it says that nothing was done
    port.drop()
    while not port.requests:  # until grpc has noticed that its connection is gone
        cancel.future(request, timeout=PATIENCE).code()
    assert port.requests[0][0] == "POST /v1/operations/o:cancel HTTP/1.1"
