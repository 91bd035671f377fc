"""Small requests that ask for huge work are refused at once: by an emulator of its own process, which is watched."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
from emulator_graphs import arg, call, function, graph, load, ref
from google.protobuf.internal.encoder import _VarintBytes  # type: ignore[attr-defined]

from eegrpc.mapper import IMPLEMENTATION, MessageMapper
from eegrpc.v1alpha import ComputeImagesRequest, Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux's /proc tells the memory")

PATH = "/v1alpha/projects/p/imageCollection:computeImages"
METHOD = "/google.earthengine.v1alpha.EarthEngine/ComputeImages"
MOST_CPU = 1.0  # seconds
MOST_MEMORY = 256 << 20
PATIENCE = 60
MILLION = 10**6
SERVER = """
from eegrpc.emulator import Emulator
with Emulator() as emulator:
    print(emulator.port, flush=True)
    input()
"""


class Watched:
    """An emulator in a process of its own."""

    at_rest = 0

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.port = int(process.stdout.readline())
        self._proc = Path("/proc", str(process.pid))

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self) -> None:
        (self._proc / "clear_refs").write_text("5")

    def memory(self, line: str) -> int:
        """Return a figure of /proc: VmRSS is now, VmHWM the most since `forget_peak`."""
        return int((self._proc / "status").read_text().partition(f"{line}:")[2].split()[0]) << 10


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdin=pipe, stdout=pipe, text=True)
    try:
        found = Watched(process)
        for ask in (by_grpc, by_rest):  # what is loaded and made once
            ask(found, graph(1))
        found.at_rest = found.memory("VmRSS")
        yield found
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


class Answer(NamedTuple):
    code: str
    message: str


def by_grpc(watched: Watched, expression: Expression) -> Answer:
    wire = ComputeImagesRequest(project="projects/p", expression=expression).SerializeToString()
    return by_grpc_bytes(watched, wire)


def by_grpc_bytes(watched: Watched, wire: bytes) -> Answer:
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{watched.port}", options) as channel:
        try:
            channel.unary_unary(METHOD)(wire, timeout=PATIENCE)
        except grpc.RpcError as error:
            return Answer(error.code().name, error.details())  # type: ignore[attr-defined]
    raise AssertionError("the call went well")


def by_rest(watched: Watched, expression: Expression) -> Answer:
    mapper = MessageMapper(ComputeImagesRequest.DESCRIPTOR)
    return by_rest_bytes(watched, mapper.to_json(ComputeImagesRequest(expression=expression).SerializeToString()))


def by_rest_bytes(watched: Watched, body: bytes) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", watched.port, timeout=PATIENCE)
    try:
        connection.request("POST", PATH, body, {"content-type": "application/json"})
        response = connection.getresponse()
        error = json.loads(response.read())["error"]
        assert response.status == 400, error
        return Answer(error["status"], error["message"])
    finally:
        connection.close()


def cycle() -> Expression:
    return graph(ref("a"), a=[ref("b")], b=ref("a"))


def missing() -> Expression:
    return graph(ref("nowhere"))


def inline_values() -> Expression:
    made = Expression(result="r")
    values = made.values["r"].array_value.values
    for _ in range(MILLION):
        values.add()
    return made


def constants() -> Expression:
    made = Expression(result="r")
    values = made.values["r"].constant_value.list_value.values
    for _ in range(MILLION):
        values.add().bool_value = True
    return made


def values_in_a_row() -> Expression:
    """References, each to the next."""
    made = Expression(result="0")
    for number in range(200_000):
        made.values[f"{number:x}"].value_reference = f"{number + 1:x}"
    return made


def unreachable_values() -> Expression:
    made = graph(1)
    for number in range(200_000):
        made.values[f"{number:x}"].SetInParent()
    return made


def doubled_lists() -> Expression:
    links = {f"v{number}": [ref(f"v{number + 1}"), ref(f"v{number + 1}")] for number in range(40)}
    return graph(ref("v0"), **links, v40=[call("Number.abs", input=1)])


def doubled_collections() -> Expression:
    def twice(key: str) -> dict[str, Any]:
        return call("ImageCollection.merge", collection1=ref(key), collection2=ref(key))

    return graph(ref("v0"), **{f"v{number}": twice(f"v{number + 1}") for number in range(40)}, v40=load())


def doubled_reducers() -> Expression:
    def twice(number: int) -> dict[str, Any]:
        inner = ref(f"v{number + 1}")
        return call("Reducer.combine", reducer1=inner, reducer2=inner, outputPrefix=f"{number}_", sharedInputs=True)

    return graph(ref("v0"), **{f"v{number}": twice(number) for number in range(40)}, v40=call("Reducer.median"))


def huge_sequence() -> Expression:
    return graph(call("List.sequence", start=0, end=1e12))


def many_sequences() -> Expression:
    """Each within limits, but one for each number of another."""
    body = call("List.sequence", start=arg(), count=10_000)
    return graph(
        call("List.map", list=call("List.sequence", start=0, count=10_000), baseAlgorithm=function("body")), body=body
    )


def map_in_map() -> Expression:
    levels = {
        f"v{number}": call("List.map", list=ref("items"), baseAlgorithm=function(f"v{number + 1}", f"x{number}"))
        for number in range(60)
    }
    inner = call("Number.add", left={"argumentReference": "x59"}, right={"argumentReference": "x0"})
    return graph(ref("v0"), items=call("List.sequence", start=0, count=100), **levels, v60=inner)


def nested_repeats() -> Expression:
    """A list twice in a list, twice in a list ..., as a property."""
    links = {f"v{n}": call("List.repeat", value=ref(f"v{n + 1}"), count=2) for n in range(29)}
    return graph(kept(ref("v0")), **links, v29=[1])


def repeated_text() -> Expression:
    """A text of a million characters, ten thousand times."""
    links = {f"v{n}": call("String.cat", string1=ref(f"v{n + 1}"), string2=ref(f"v{n + 1}")) for n in range(16)}
    return graph(kept(call("List.repeat", value=ref("v0"), count=10_000)), **links, v16="fifteen letters")


def kept(value: dict[str, Any]) -> dict[str, Any]:
    """Return a collection with an image that has a value as a property."""
    image = call("Element.set", object=call("Image.constant", value=1), key="p", value=value)
    return call("ImageCollection.fromImages", images=[image])


def regular_expression() -> Expression:
    """One that makes backtracking engines try for ever, on a long text, for each number of a list."""
    links = {f"v{n}": call("String.cat", string1=ref(f"v{n + 1}"), string2=ref(f"v{n + 1}")) for n in range(16)}
    body = call("String.match", input=ref("v0"), regex="(a|aa)+$", flags="g")
    items = call("List.sequence", start=0, count=1000)
    return graph(call("List.map", list=items, baseAlgorithm=function("body")), **links, v16="aaaaaaaaab", body=body)


def many_arguments() -> Expression:
    """Calls of one another, each with an argument of its own: the outer ones depend on all of them."""
    links = {
        f"v{number}": call("Image.add", image1=ref(f"v{number + 1}"), image2=arg(f"n{number}"))
        for number in range(20_000)
    }
    return graph(ref("v0"), **links, v20000=arg())


TOO_LARGE = "The computation is too large"
BOMBS: list[tuple[str, Callable[[], Expression], str, bool]] = [
    ("cycle", cycle, "The values form a cycle: a -> b -> a", False),
    ("missing", missing, "Reference to 'nowhere'", False),
    ("inline-values", inline_values, TOO_LARGE, True),
    ("constants", constants, TOO_LARGE, True),
    ("values-in-a-row", values_in_a_row, TOO_LARGE, True),
    ("unreachable-values", unreachable_values, TOO_LARGE, True),
    ("doubled-lists", doubled_lists, TOO_LARGE, False),
    ("doubled-collections", doubled_collections, TOO_LARGE, False),
    ("doubled-reducers", doubled_reducers, TOO_LARGE, False),
    ("huge-sequence", huge_sequence, TOO_LARGE, False),
    ("many-sequences", many_sequences, TOO_LARGE, False),
    ("map-in-map", map_in_map, TOO_LARGE, False),
    ("nested-repeats", nested_repeats, TOO_LARGE, False),
    ("repeated-text", repeated_text, TOO_LARGE, False),
    ("regular-expression", regular_expression, TOO_LARGE, False),
    ("many-arguments", many_arguments, TOO_LARGE, True),
]


@pytest.mark.parametrize("ask", [by_grpc, by_rest])
@pytest.mark.parametrize(
    ("build", "text", "large"), [pytest.param(*bomb[1:], id=f"EMU-03-{bomb[0]}") for bomb in BOMBS]
)
def test_bombs(watched: Watched, ask: Any, build: Callable[[], Expression], text: str, large: bool) -> None:
    if large and ask is by_rest and IMPLEMENTATION == "python":
        pytest.skip("the Python mapper alone takes longer than the row allows for bodies of this size")
    check(watched, lambda: ask(watched, build()), text)


def check(watched: Watched, ask: Callable[[], Answer], text: str) -> None:
    before, held = watched.cpu(), watched.memory("VmRSS")  # the allocator keeps what earlier requests needed
    watched.forget_peak()
    answer = ask()
    assert (answer.code, text in answer.message) == ("INVALID_ARGUMENT", True), answer
    spent, most = watched.cpu() - before, watched.at_rest + watched.memory("VmHWM") - held
    assert spent <= MOST_CPU
    assert most <= MOST_MEMORY


DEPTH = 30_000


def deep_json() -> bytes:
    """Return a list in a list in a list ..., as the body of a request."""
    return (
        b'{"expression":{"result":"r","values":{"r":' + b'{"arrayValue":{"values":[' * DEPTH + b"]}}" * DEPTH + b"}}}"
    )


def deep_wire() -> bytes:
    """Return the same as a message, which nobody's own code would write."""
    heads: list[bytes] = []
    size = 0
    for field in [1, 4] * DEPTH:  # ArrayValue.values, ValueNode.array_value
        heads.append(head(field, size))
        size += len(heads[-1])
    expression = ComputeImagesRequest.DESCRIPTOR.fields_by_name["expression"].number
    values = Expression.DESCRIPTOR.fields_by_name["values"].number
    key = b"\x0a\x01r"  # of the map's entry, whose value comes after it
    for field, before in ((2, key), (values, b""), (expression, b"")):
        heads.append(before + head(field, size))
        size += len(heads[-1])
    return b"".join(reversed(heads))


def head(field: int, size: int) -> bytes:
    """Return what stands before the `size` bytes of a field."""
    return bytes([field << 3 | 2]) + _VarintBytes(size)


def test_emu_03_depth_by_rest(watched: Watched) -> None:
    check(watched, lambda: by_rest_bytes(watched, deep_json()), "deep")


def test_emu_03_depth_by_grpc(watched: Watched) -> None:
    check(watched, lambda: by_grpc_bytes(watched, deep_wire()), "deep")
