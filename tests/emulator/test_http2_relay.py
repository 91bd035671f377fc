"""The relay between h2 on either side, in memory: what each side gets does not depend on how the bytes are cut."""

import h2.config
import h2.connection
import h2.events
import pytest

from eegrpc.emulator.faults.http2 import Http2Relay
from eegrpc.emulator.faults.http2_frames import goaway, headers
from eegrpc.emulator.faults.kinds import Fault
from eegrpc.emulator.faults.text import parse_fault
from eegrpc.emulator.faults.tickets import TICKET_KEY, Tickets

CUTS = [1, 7, 9, 10, 1000, 1 << 20]
REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/x"), (":authority", "y"), ("te", "trailers")]
HEADER = [(":status", "200"), ("content-type", "application/grpc"), ("x-server", "s" * 50)]
TRAILER = [("grpc-status", "0"), ("grpc-message", "m" * 50)]
BODY = bytes(range(256)) * 100


class World:
    """A client, a relay, and a server."""

    def __init__(self, cut: int) -> None:
        self.cut = cut
        self.tickets = Tickets()
        self.relay = Http2Relay("1", self.tickets)
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.client.initiate_connection()
        self.server.initiate_connection()
        self.at_client: list[h2.events.Event] = []
        self.reset = False
        self.dripping: list[int] = []
        self.exchange()

    def pieces(self, data: bytes) -> list[bytes]:
        return [data[start : start + self.cut] for start in range(0, len(data), self.cut)]

    def exchange(self) -> list[h2.events.Event]:
        """Carry what either side has to send; return what the server saw."""
        seen: list[h2.events.Event] = []
        while True:
            sent = self.client.data_to_send()
            for piece in self.pieces(sent):
                seen += self.server.receive_data(self.relay.from_client(piece))
            answered = self.server.data_to_send()
            for piece in self.pieces(answered):
                step = self.relay.from_server(piece)
                self.reset = self.reset or step.reset
                for event in self.client.receive_data(step.to_client):
                    self.at_client.append(event)
                    if isinstance(event, h2.events.DataReceived):
                        self.client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                seen += self.server.receive_data(step.to_server)
                for stream, _ in step.drips:
                    self.dripping.append(stream)
            if not sent and not answered:
                return seen

    def ask(self) -> tuple[int, str]:
        """Send a request; return its stream, and the ticket that the server sees."""
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, REQUEST)
        self.client.send_data(stream, b"question", end_stream=True)
        seen = self.exchange()
        (received,) = [event for event in seen if isinstance(event, h2.events.RequestReceived)]
        fields = dict(received.headers)
        assert [pair for pair in received.headers if pair[0] != TICKET_KEY] == REQUEST
        return stream, fields[TICKET_KEY]

    def answer(self, stream: int, fault: Fault | None, ticket: str) -> dict[str, object]:
        """Answer a request; return what the client got."""
        if fault is not None:
            self.tickets.put(ticket, fault)
        self.at_client = []
        self.server.send_headers(stream, HEADER)
        for start in range(0, len(BODY), 8000):
            self.server.send_data(stream, BODY[start : start + 8000])
        self.server.send_headers(stream, TRAILER, end_stream=True)
        self.exchange()
        return self.got(stream)

    def got(self, stream: int) -> dict[str, object]:
        mine = [event for event in self.at_client if getattr(event, "stream_id", None) == stream]
        return {
            "headers": [dict(e.headers) for e in mine if isinstance(e, (h2.events.ResponseReceived))],
            "trailers": [dict(e.headers) for e in mine if isinstance(e, (h2.events.TrailersReceived))],
            "body": b"".join(e.data or b"" for e in mine if isinstance(e, h2.events.DataReceived)),
            "reset": [int(e.error_code or 0) for e in mine if isinstance(e, h2.events.StreamReset)],
            "ended": any(isinstance(e, h2.events.StreamEnded) for e in mine),
        }


WHOLE = {"headers": [dict(HEADER)], "trailers": [dict(TRAILER)], "body": BODY, "reset": [], "ended": True}
HTML = "text/html; charset=utf-8"


@pytest.mark.parametrize("cut", CUTS)
def test_without_faults_all_passes(cut: int) -> None:
    world = World(cut)
    for number in range(3):
        stream, ticket = world.ask()
        assert ticket == f"1.{stream}" == f"1.{1 + 2 * number}"
        assert world.answer(stream, None, ticket) == WHOLE


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("html_502", {"headers": [{":status": "502", "content-type": HTML}], "ended": True}),
        ("redirect", {"headers": [{":status": "302", "location": "http://elsewhere.invalid/"}], "body": b""}),
        ("truncate(after=300)", {"body": BODY[:300], "trailers": [], "ended": True}),
        ("rst_stream(code='cancel')", {"headers": [], "body": b"", "reset": [8]}),
        ("wrong_content_type", {**WHOLE, "headers": [{":status": "200", "content-type": HTML}]}),
        ("invalid_body", WHOLE),
    ],
)
def test_a_fault_happens_to_one_reply(fault: str, expected: dict[str, object], cut: int) -> None:
    world = World(cut)
    stream, ticket = world.ask()
    got = world.answer(stream, parse_fault(fault), ticket)
    assert {key: got[key] for key in expected} == expected
    assert not world.tickets
    assert not world.reset
    stream, ticket = world.ask()
    assert world.answer(stream, None, ticket) == WHOLE


@pytest.mark.parametrize(("fault", "last"), [("goaway", 5), ("goaway(processed=False)", 1)])
def test_a_goaway_names_the_last_call_that_is_answered(fault: str, last: int) -> None:
    world = World(1 << 20)
    _, (stream, ticket), _ = world.ask(), world.ask(), world.ask()
    world.tickets.put(ticket, parse_fault(fault))
    world.server.send_headers(stream, HEADER, end_stream=True)
    answer = world.server.data_to_send()
    sent = world.relay.from_server(answer).to_client
    assert sent == goaway(last) + (answer if last == 5 else b"")


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("fault", "body"), [("reset", b""), ("reset_in_body(after=300)", BODY[:300])])
def test_a_reset_ends_the_connection(fault: str, body: bytes, cut: int) -> None:
    world = World(cut)
    stream, ticket = world.ask()
    assert world.answer(stream, parse_fault(fault), ticket)["body"] == body
    assert world.reset


@pytest.mark.parametrize("cut", CUTS)
def test_a_drip_comes_in_pieces_between_which_others_pass(cut: int) -> None:
    world = World(cut)
    slow, slow_ticket = world.ask()
    fast, fast_ticket = world.ask()
    got = world.answer(slow, parse_fault("drip(size=100, interval=0)"), slow_ticket)
    assert (got["body"], got["ended"]) == (b"", False)
    assert world.answer(fast, None, fast_ticket) == WHOLE
    assert world.dripping == [slow]
    world.at_client = [event for event in world.at_client if getattr(event, "stream_id", None) == slow]
    pieces = 0
    while (data := world.relay.drip(slow)) is not None:
        world.at_client += world.client.receive_data(data)
        pieces += 1
    assert world.got(slow) == {**WHOLE, "headers": []}
    assert pieces == 3 * 80 + 16 + 1  # three frames of 8,000 bytes, the rest, and the trailers


def test_what_the_client_never_sees_does_not_use_up_the_window() -> None:
    world = World(1 << 20)
    for _ in range(20):  # 512 KB, of a window of 64 KB
        stream, ticket = world.ask()
        world.answer(stream, parse_fault("rst_stream"), ticket)
    stream, ticket = world.ask()
    assert world.answer(stream, None, ticket) == WHOLE


def test_a_cancelled_call_leaves_nothing_behind() -> None:
    world = World(1 << 20)
    stream, ticket = world.ask()
    world.tickets.put(ticket, parse_fault("reset"))
    world.client.reset_stream(stream)
    world.exchange()
    assert not world.tickets
    stream, ticket = world.ask()
    world.tickets.put(ticket, parse_fault("reset"))
    world.relay.close()
    assert not world.tickets


def test_a_long_header_takes_several_frames() -> None:
    world = World(1 << 20)
    world.client.local_settings.max_header_list_size = 1 << 20
    world.client.decoder.max_header_list_size = 1 << 20
    stream, _ = world.ask()
    seen = world.client.receive_data(headers(stream, 200, [("x-huge", "x" * 100_000)]))
    assert dict(seen[0].headers)["x-huge"] == "x" * 100_000  # type: ignore[union-attr]


def test_bytes_that_are_no_http2_go_on_to_the_server() -> None:
    relay = Http2Relay("1", Tickets())
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert relay.from_client(preface + b"\xff" * 100) == preface + b"\xff\xff\xff\xff\xff" + b"\xff" * 95
