"""Stubs: functions of a test in the place of Earth Engine's; what they are given, may answer, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from emulator_graphs import apply, arg, call, function, graph, ref, sample
from plain_callers import catalog, grpc_stub

from eegrpc.emulator import AlgorithmError, Emulator
from eegrpc.emulator.evaluation.evaluator import EvaluationError, evaluate, evaluate_images
from eegrpc.emulator.values import Collection, Date, Feature
from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineAsset, EarthEngineStub, Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLED = call("Image.sample", image=call("Image.constant", value=1), scale=30)


def ask(answer: object, name: str = "Custom.f", **arguments: Any) -> Any:
    """Evaluate a call of a function of which `answer`, or what it returns, is the answer."""
    stub: Callable[..., Any] = answer if callable(answer) else lambda **_: answer
    return evaluate(graph(call(name, **arguments)), sample(), {name: stub})


def refusal(answer: object, name: str = "Custom.f", **arguments: Any) -> EvaluationError:
    with pytest.raises(EvaluationError) as error:
        ask(answer, name, **arguments)
    return error.value


# ---- what they are given ----


def test_of_unknown_functions_arguments_are_given_as_they_are() -> None:
    given: list[dict[str, object]] = []
    ask(lambda **arguments: given.append(arguments), b=[1, "x"], a=call("Date", value=0), from_=None)
    assert given == [{"a": Date(0), "b": [1, "x"], "from": None}]


def test_of_known_functions_arguments_are_checked_and_complete() -> None:
    given: list[dict[str, Any]] = []
    found = ask(lambda **arguments: given.append(arguments) or 5, "Collection.size", collection="MODIS/061/MOD13Q1")
    assert found == 5
    assert (list(given[0]), len(given[0]["collection"])) == (["collection"], 14)
    assert refusal(5, "Collection.size", collection=1).message.startswith("Collection.size: Argument 'collection'")
    assert "not supported" in refusal(5, "Collection.size", collection=[], other=1).message
    assert "is required" in refusal(5, "Collection.size").message


def test_lazy_arguments_are_evaluated_for_a_stub() -> None:
    arguments = {"condition": True, "trueCase": call("Number.add", left=1, right=2)}
    assert ask(lambda **given: given["trueCase"], "If", **arguments) == 3


def test_a_stub_is_called_for_each_element() -> None:
    made = graph(
        call(
            "Collection.map",
            collection=call("ImageCollection.fromImages", images=[call("Image.constant", value=n) for n in (1, 2)]),
            baseAlgorithm=function("body"),
        ),
        body=call("Element.set", object=arg(), key="seen", value=call("Custom.seen", image=arg())),
    )
    seen: list[Any] = []
    found = evaluate_images(made, sample(), {"Custom.seen": lambda image: seen.append(image) or len(seen)})
    assert [message.properties["seen"] for message in found] == [1, 2]
    assert found.is_stubbed
    assert not evaluate_images(
        graph(call("ImageCollection.load", id="MODIS/061/MOD13Q1")), sample(), {"F": print}
    ).is_stubbed


def test_one_name_may_have_other_arguments_in_another_place() -> None:
    made = graph(
        [call("F", a=1), call("F", b=2), call("F"), apply("g", x=call("F", b=3))], g=function("body"), body=arg()
    )
    assert evaluate(made, sample(), {"F": lambda **given: sorted(given)}) == [["a"], ["b"], [], ["b"]]


# ---- what they may answer ----


@pytest.mark.parametrize(
    "answer", [None, True, 3, 2.5, "text", [1, [2]], {"a": {"b": None}}, Date(5), Feature(), Collection(())]
)
def test_values_that_expressions_know(answer: object) -> None:
    assert ask(answer) == answer


def test_tuples_are_lists_and_assets_are_images() -> None:
    assert ask((1, (2, 3))) == [1, [2, 3]]
    found = evaluate_images(
        graph(call("ImageCollection.fromImages", images=call("F"))),
        sample(),
        {"F": lambda: [EarthEngineAsset(id="c/x", type="IMAGE")]},
    )
    assert [message.id for message in found] == ["c/x"]


def test_the_answer_of_a_known_function_is_of_its_type() -> None:
    assert len(ask([Feature(), Feature()], "Image.sample", image=1)) == 2  # a list stands for a collection
    assert ask(None, "Image.sample", image=1) is None
    error = refusal("text", "Collection.size", collection=[])
    assert error.message == "Collection.size: The stub answered String, but the function returns Integer: text"
    assert (error.unsupported, error.function) == (True, "Collection.size")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (object(), "The stub answered object, which no expression can hold"),
        ([1, {2, 3}], "The stub answered set, which"),
        (b"bytes", "The stub answered bytes, which"),
        ({1: 2}, "a dictionary with keys that are no strings"),
        ("x" * 1_000_001, "a text of more than 1,000,000 characters"),
        ([0] * 2_000_000, "The computation is too large"),
    ],
)
def test_other_values_are_refused_by_name(answer: object, text: str) -> None:
    error = refusal(answer)
    assert error.message.startswith("Custom.f: ")
    assert text in error.message
    assert error.path == "values.result > Custom.f"


def test_values_that_nest_without_end_are_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "nested more than 64 levels deep" in refusal(endless).message


def test_a_stub_may_fail_as_earth_engine_does() -> None:
    def fail(**_: object) -> object:
        raise AlgorithmError("Too many pixels in the region.")

    error = refusal(fail)
    assert (error.message, error.unsupported) == ("Custom.f: Too many pixels in the region.", False)


def test_a_stub_that_is_broken_is_told_from_that(caplog: pytest.LogCaptureFixture) -> None:
    error = refusal(lambda: 1, a=1)
    assert error.message.startswith("Custom.f: The stub raised TypeError: ")
    assert error.unsupported
    assert "a stub failed" in caplog.text


# ---- in the emulator ----


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(catalog(6), max_page_size=2) as running:
        yield running


@pytest.fixture
def stub(emulator: Emulator) -> Iterator[EarthEngineStub]:
    with grpc_stub(emulator) as made:
        yield made


def limited() -> Expression:
    """The first images of a collection, as many as a function says that Earth Engine does not have."""
    return graph(
        call("Collection.limit", collection=call("ImageCollection.load", id="c"), limit=ref("count")),
        count=call("Custom.count"),
    )


def request(project: str = "p", **fields: Any) -> ComputeImagesRequest:
    return ComputeImagesRequest(project=f"projects/{project}", expression=limited(), **fields)


def test_stubs_of_one_project_and_of_all(emulator: Emulator, stub: EarthEngineStub) -> None:
    emulator.stub("Custom.count", lambda: 1)
    emulator.stub("Custom.count", lambda: 2, "a")
    assert [len(stub.ComputeImages(request(name)).images) for name in "pa"] == [1, 2]
    emulator.stub("Custom.count", None, "a")
    assert len(stub.ComputeImages(request("a")).images) == 1
    emulator.stub("Custom.count", None)
    with pytest.raises(grpc.RpcError) as error:
        stub.ComputeImages(request("a"))
    assert "The function 'Custom.count' is not supported" in error.value.details()  # type: ignore[attr-defined]


def test_projects_with_different_stubs_share_no_results(emulator: Emulator, stub: EarthEngineStub) -> None:
    """Both states are built after the last change; their results must not be told apart by that alone."""
    for count, name in enumerate("ab", 1):
        emulator.stub("Custom.count", lambda count=count: count, name)
    first = {name: stub.ComputeImages(request(name)).images for name in "ab"}
    assert [len(images) for images in first.values()] == [1, 2]


def test_each_first_page_asks_anew_and_further_pages_go_on(emulator: Emulator, stub: EarthEngineStub) -> None:
    answers = iter([5, 3, 1])
    emulator.stub("Custom.count", lambda: next(answers))
    sizes, token = [], ""
    for _ in range(3):
        page = stub.ComputeImages(request(page_token=token))
        sizes.append(len(page.images))
        token = page.next_page_token
    assert (sizes, token) == ([2, 2, 1], "")  # of the first answer, which was asked for once
    assert len(stub.ComputeImages(request()).images) == 2
    assert len(stub.ComputeImages(request()).images) == 1


def test_a_stub_that_is_replaced_is_not_asked_again(emulator: Emulator, stub: EarthEngineStub) -> None:
    emulator.stub("Custom.count", lambda: 5)
    first = stub.ComputeImages(request())
    emulator.stub("Custom.count", lambda: 3)
    assert len(stub.ComputeImages(request(page_token=first.next_page_token)).images) == 1


def test_what_cannot_be_called_is_no_stub(emulator: Emulator) -> None:
    with pytest.raises(TypeError, match=r"the stub of Image.sample is \{\}: give a function"):
        emulator.stub("Image.sample", {})  # type: ignore[arg-type]
