"""The README's first command: a newcomer's first screen."""

import ast
import json
import re

import pytest
from commands import run

from eegrpc.cli import demonstration, main


@pytest.fixture(scope="module")
def screen():
    done = run("compute-images", "--emulator", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_both_transports_are_shown_and_agree(screen):
    grpc, rest = screen.splitlines()[1:3]
    assert re.search(r"native gRPC +9 images +[\d.]+ ms$", grpc)
    assert re.search(r"transcoded REST +9 images +[\d.]+ ms +equal, field by field$", rest)


def test_it_fits_a_small_terminal(screen):
    lines = screen.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 20


def test_the_images_are_computed_clearest_first_with_the_new_band_and_property(screen):
    assert "9 images of COPERNICUS/S2_SR_HARMONIZED" in screen
    assert "NDVI (27)" in screen
    rows = re.findall(r"^(2023-\d\d-\d\d) \d\d:\d\d +\S+_T10SEG +([\d.]+) +(\S+)$", screen, re.MULTILINE)
    clouds = [float(cloud) for _, cloud, _ in rows]
    assert len(rows) == 9
    assert clouds == sorted(clouds)
    assert all(day == date for day, _, date in rows)


def test_one_transport_alone_is_an_ordinary_table(capsys):
    assert main(["compute-images", "--emulator", "--transport", "rest", "--limit", "1"]) == 0
    assert capsys.readouterr().out.startswith("1 image\n")


def test_in_json_it_is_the_images_alone(capsys):
    assert main(["compute-images", "--emulator", "--format", "json", "--fields", "images.name"]) == 0
    assert len(json.loads(capsys.readouterr().out)["images"]) == 9


def test_the_expression_is_what_the_official_client_makes_of_the_documented_code(monkeypatch):
    ee = pytest.importorskip("ee")
    # What ApiTestCase replaces and does not put back.
    monkeypatch.setattr(ee.data, "_install_cloud_api_resource", ee.data._install_cloud_api_resource)
    case = pytest.importorskip("ee.apitestcase").ApiTestCase("setUp")  # ee with its own list of algorithms, offline
    case.setUp()
    try:
        code = demonstration.__doc__.split("::", 1)[1]
        code = "\n".join(line[4:] for line in code.splitlines())
        tree = ast.parse(code)
        last = tree.body.pop()
        names = {"ee": ee}
        exec(compile(tree, "docstring", "exec"), names)
        made = eval(compile(ast.Expression(last.value), "docstring", "eval"), names)
    finally:
        case.tearDown()
    assert json.loads(made) == json.loads(demonstration.expression())
