"""The pagination state machine: what it asks for, hands out, and where it would resume."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared_calls import prepared

from eegrpc import _pages
from eegrpc._pages import Pages
from eegrpc._requests import request_start
from eegrpc.errors import EarthEngineError
from eegrpc.v1alpha import ComputeImagesRequest, ComputeImagesResponse, EarthEngineAsset


def pages_of(page_size=0, page_token="", **others):
    return Pages(request_start("projects/p", page_size, None), page_token, "projects/p", **others)


def response(names, token=""):
    return ComputeImagesResponse(images=[EarthEngineAsset(name=str(name)) for name in names], next_page_token=token)


def next_request(pages):
    encoded = pages.next_request()
    return None if encoded is None else ComputeImagesRequest.FromString(encoded)


def drain(pages, server, by_page=False, names=None):
    """Run to the end against `server(request) -> response`; return the names handed out, and the requests."""
    names, requests = [] if names is None else names, []
    while True:
        if by_page:
            page = pages.take_page()
            taken = None if page is None else [image.name for image in page.images]
        else:
            image = pages.take_image()
            taken = None if image is None else [image.name]
        if taken is not None:
            names += taken
            continue
        request = next_request(pages)
        if request is None:
            return names, requests
        requests.append(request)
        pages.feed(server(request))
        pages.turn()


def scripted(*responses):
    left = list(responses)
    return lambda request: left.pop(0)


BY = pytest.mark.parametrize("by_page", [False, True], ids=["images", "pages"])


@BY
def test_pag_01_pages_of_any_size(by_page):
    server = scripted(response([1], "a"), response([], "b"), response([2, 3, 4], "c"), response([], "d"), response([5]))
    names, requests = drain(pages_of(page_size=2), server, by_page)
    assert names == ["1", "2", "3", "4", "5"]
    assert [request.page_token for request in requests] == ["", "a", "b", "c", "d"]
    assert {request.page_size for request in requests} == {2}


@BY
@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        pytest.param([response([1], "a"), response([2], "a")], ["1", "2"], id="PAG-02-same-token"),
        pytest.param([response([1], "a"), response([2], "b"), response([3], "a")], ["1", "2", "3"], id="PAG-02-a-b-a"),
        pytest.param([response([], "a"), response([], "a")], [], id="PAG-02-empty-pages"),
    ],
)
def test_pag_02_token_loop(responses, expected, by_page):
    names, left = [], list(responses)
    with pytest.raises(EarthEngineError) as caught:
        drain(pages_of(), lambda request: left.pop(0), by_page, names)
    assert caught.value.code().name == "INTERNAL"
    assert caught.value.reason == "TOKEN_LOOP"
    assert names == expected
    assert not left  # and the page that would be the repeat was not asked for: there would be none


def test_pag_02_the_token_of_a_resumed_request_counts():
    pages = pages_of(page_token="a")
    with pytest.raises(EarthEngineError, match="TOKEN_LOOP"):
        drain(pages, scripted(response([1], "a")))


def test_pag_02_the_first_request_may_be_repeated_after_an_error():
    pages = pages_of(page_token="a")
    assert pages.next_request() == pages.next_request()


def test_pag_02_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(_pages, "_MAX_TOKENS", 8)
    count = iter(range(1000))
    pages = pages_of()
    drain(pages, lambda request: response([1], str(n) if (n := next(count)) < 100 else ""))
    assert len(pages._seen) == 8


@pytest.mark.parametrize(("count", "fails"), [(1000, False), (1001, True)])
def test_pag_03_empty_pages_are_bounded(count, fails):
    server = scripted(*(response([], f"t{n}") for n in range(count)), response([1]))
    if fails:
        with pytest.raises(EarthEngineError) as caught:
            drain(pages_of(), server)
        assert caught.value.reason == "NO_PROGRESS"
    else:
        assert drain(pages_of(), server)[0] == ["1"]


@BY
@pytest.mark.parametrize(
    ("limit", "page_size", "asked", "requests", "token"),
    [
        pytest.param(4, 2, 2, 2, "4", id="PAG-05-at-page-end"),
        pytest.param(3, 2, 2, 2, "2", id="PAG-05-inside-a-page"),
        pytest.param(1, 2, 1, 1, "1", id="PAG-05-trims-the-page-size"),
        pytest.param(3, 0, 3, 1, "3", id="PAG-05-trims-the-default"),
        pytest.param(0, 2, 0, 0, "", id="PAG-05-nothing"),
        pytest.param(100, 7, 7, 2, "", id="PAG-05-more-than-there-is"),
    ],
)
def test_pag_05_limit(limit, page_size, asked, requests, token, by_page):
    pages = prepared(page_size=page_size, limit=limit).pages()
    names, sent = drain(pages, ten_images, by_page)
    assert names == [str(n) for n in range(min(limit, 10))]
    assert len(sent) == requests
    assert {request.page_size for request in sent} <= {asked}
    assert pages.next_page_token == token
    assert pages.done


def test_a_server_that_sends_too_many_images_is_cut_at_the_limit():
    pages = pages_of(page_size=2, limit=3)
    assert drain(pages, scripted(response([1, 2, 3, 4, 5], "x")))[0] == ["1", "2", "3"]
    assert pages.next_page_token == ""  # the images that were kept back are in the first page


def ten_images(request):
    start = int(request.page_token or 0)
    end = min(start + (request.page_size or 1000), 10)
    return response(range(start, end), str(end) if end < 10 else "")


@given(page_size=st.integers(1, 12), taken=st.integers(0, 12), by_page=st.booleans())
def test_resuming_loses_nothing_wherever_it_stopped(page_size, taken, by_page):
    pages, names = pages_of(page_size=page_size), []
    while len(names) < taken and not pages.done:
        image = pages.take_image()
        if image is not None:
            names.append(image.name)
        elif (request := next_request(pages)) is not None:
            pages.feed(ten_images(request))
            pages.turn()
    if pages.done:
        assert len(names) == 10
        return
    resumed = pages_of(page_size=page_size, page_token=pages.next_page_token)
    rest, _ = drain(resumed, ten_images, by_page)
    assert set(names + rest) == {str(n) for n in range(10)}
    if len(names) % page_size == 0:  # at the end of a page nothing comes twice
        assert names + rest == [str(n) for n in range(10)]
    continued, _ = drain(pages, ten_images, by_page)
    assert names + continued == [str(n) for n in range(10)]


def test_closing_ends_without_losing_the_token():
    pages = pages_of()
    pages.feed(response([1, 2], "a"))
    pages.turn()
    pages.take_image()
    pages.close()
    assert pages.done
    assert pages.take_image() is None
    assert pages.next_request() is None
    assert pages.next_page_token == ""
