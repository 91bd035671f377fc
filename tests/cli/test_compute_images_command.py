"""``eegrpc compute-images`` on the emulator: arguments, formats and exit codes."""

import io
import json
import subprocess
import sys

import pytest
from commands import EXPRESSIONS, expression_file, image, run
from google.protobuf import json_format
from servers import ScriptedServicer, grpc_server

import eegrpc
from eegrpc.cli import main
from eegrpc.emulator import Catalog, Emulator
from eegrpc.v1alpha import ComputeImagesResponse


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in ("EARTHENGINE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def expected(emulator):
    with eegrpc.EarthEngineClient("p", endpoint=emulator.endpoint) as client:
        return list(client.compute_images(EXPRESSIONS["load_plain"]))


@pytest.fixture
def plain(tmp_path):
    return expression_file(tmp_path)


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# ---- formats ----


@pytest.mark.parametrize("transport", ["auto", "grpc", "rest"])
@pytest.mark.parametrize("page_size", ["7", "1000"])
def test_ndjson_is_a_catalog_of_the_same_images(
    tmp_path, plain, emulator, expected, capsysbinary, transport, page_size
):
    where = ["--endpoint", emulator.endpoint, "--project", "p", "--transport", transport, "--page-size", page_size]
    assert main(["compute-images", plain, "--format", "ndjson", *where]) == 0
    written = capsysbinary.readouterr().out
    file = tmp_path / "catalog.ndjson"
    file.write_bytes(written)
    assert [record.asset for record in Catalog.from_ndjson(file).collection("MODIS/061/MOD13Q1")] == expected
    assert written.count(b"\n") == len(expected)


def test_what_one_command_writes_another_serves(tmp_path, plain):
    first = run("compute-images", plain, "--emulator", "--format", "ndjson", "--limit", "3")
    file = tmp_path / "mine.ndjson"
    file.write_bytes(first.stdout)
    second = run("compute-images", plain, "--emulator", "--format", "ndjson", "--catalog", str(file))
    assert second.returncode == 0
    assert list(map(json.loads, second.stdout.splitlines())) == list(map(json.loads, first.stdout.splitlines()))


def test_json_is_a_response(plain, emulator, expected, capsysbinary):
    where = ["--endpoint", emulator.endpoint, "--project", "p", "--page-size", "7"]
    assert main(["compute-images", plain, "--format", "json", *where]) == 0
    response = json_format.Parse(capsysbinary.readouterr().out, ComputeImagesResponse())
    assert list(response.images) == expected
    assert response.next_page_token == ""


def test_json_cut_by_the_limit_has_the_token_to_go_on_with(plain, expected, capsysbinary):
    arguments = ["compute-images", plain, "--emulator", "--format", "json", "--limit", "5"]
    assert main(arguments) == 0
    first = json_format.Parse(capsysbinary.readouterr().out, ComputeImagesResponse())
    assert main([*arguments, "--page-token", first.next_page_token]) == 0
    second = json_format.Parse(capsysbinary.readouterr().out, ComputeImagesResponse())
    assert [*first.images, *second.images] == expected[:10]


@pytest.mark.parametrize(("name", "empty"), [("json", '{"images":[]}\n'), ("ndjson", ""), ("table", "0 images\n")])
def test_no_images(plain, capsys, name, empty):
    assert main(["compute-images", plain, "--emulator", "--limit", "0", "--format", name]) == 0
    assert capsys.readouterr().out == empty


def test_fields_reach_the_server(plain, capsysbinary):
    arguments = ["--emulator", "--limit", "1", "--format", "ndjson", "--fields", "images.name,images.startTime"]
    assert main(["compute-images", plain, *arguments]) == 0
    assert set(json.loads(capsysbinary.readouterr().out)) == {"name", "startTime"}


def test_a_table_of_several_pages_ends_with_the_count(plain, capsys):
    assert main(["compute-images", plain, "--emulator", "--page-size", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("date (UTC)  collection         image       google:max_so…  num_tiles  bands ")
    assert lines[-1] == "52 images in 3 pages"
    assert len(lines) == 1 + 52 + 1


def test_a_table_cut_by_the_limit_says_so(plain, capsys):
    assert main(["compute-images", plain, "--emulator", "--limit", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 images of MODIS/061/MOD13Q1"
    assert lines[-1].startswith("there are more")


def test_the_expression_decides_which_properties_are_shown(tmp_path, capsys):
    for name, shown in (("map_set_date_string", "date        month"), ("filter_string_expression", "SUN_ELEVATION")):
        assert main(["compute-images", expression_file(tmp_path, name), "--emulator", "--limit", "4"]) == 0
        assert shown in capsys.readouterr().out


# ---- where the expression comes from ----


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order-mark"])
def test_stdin(monkeypatch, capsysbinary, mark):
    stdin(monkeypatch, mark + json.dumps({"expression": EXPRESSIONS["load_plain"]}).encode())
    assert main(["compute-images", "-", "--emulator", "--limit", "1", "--format", "ndjson"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["id"] == "MODIS/061/MOD13Q1/2022_01_01"


def test_the_emulator_of_the_environment_needs_no_project(monkeypatch, emulator, plain, capsys):
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", f"127.0.0.1:{emulator.port}")
    assert main(["compute-images", plain, "--limit", "1"]) == 0
    assert "1 image\n" in capsys.readouterr().out


def test_the_project_of_the_environment(monkeypatch, emulator, plain, capsys):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "Not A Project")
    assert main(["compute-images", plain, "--endpoint", emulator.endpoint]) == 2
    assert "'Not A Project'" in capsys.readouterr().err


# ---- exit codes ----


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "name a command"),
        (["compute"], "invalid choice"),
        (["compute-images"], "give the file of an expression"),
        (["compute-images", "EXPRESSION"], "which project pays?"),
        (["compute-images", "EXPRESSION", "--project", "p", "--catalog", "x"], "--catalog is for --emulator"),
        (["compute-images", "EXPRESSION", "--emulator", "--endpoint", "x"], "takes no --endpoint"),
        (["compute-images", "EXPRESSION", "--emulator", "--credentials", "x"], "takes no --credentials"),
        (["compute-images", "EXPRESSION", "--emulator", "--catalog", "nowhere"], "catalog nowhere: No such file"),
        (["compute-images", "EXPRESSION", "--emulator", "--limit", "-1"], "must be 0 or more"),
        (["compute-images", "EXPRESSION", "--emulator", "--limit", "many"], "invalid whole number"),
        (["compute-images", "EXPRESSION", "--emulator", "--timeout", "0"], "more than 0 seconds"),
        (["compute-images", "EXPRESSION", "--emulator", "--timeout", "nan"], "more than 0 seconds"),
        (["compute-images", "EXPRESSION", "--emulator", "--lim", "1"], "unknown option --lim"),
        (["compute-images", "EXPRESSION", "--emulator", "another"], "too many arguments"),
        (["compute-images", "EXPRESSION", "--emulator", "--workload-tag", "Ü"], "workload_tag"),
        (["compute-images", "EXPRESSION", "--emulator", "--fields", "a,,b"], "fields has an empty path"),
        (["compute-images", "EXPRESSION", "--project", "p", "--endpoint", "ftp://x"], "endpoint"),
        (
            ["compute-images", "nowhere.json", "--emulator"],
            "cannot read the expression from nowhere.json: No such file",
        ),
        (["compute-images", ".", "--emulator"], "Is a directory"),
        (["compute-images", "a\0b", "--emulator"], "not a path"),
        (["emulator", "--port", "65536"], "at most 65535"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(plain, capsys, arguments, what):
    assert main([plain if argument == "EXPRESSION" else argument for argument in arguments]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert what in written.err
    assert "Traceback" not in written.err
    assert len(written.err.splitlines()) <= 4


def test_a_refused_call_is_1_with_code_reason_and_hint(tmp_path, capsys):
    path = tmp_path / "e.json"
    path.write_text('{"result": "0", "values": {"0": {"functionInvocationValue": {"functionName": "No.such"}}}}')
    assert main(["compute-images", str(path), "--emulator"]) == 1
    written = capsys.readouterr()
    what, hint = written.err.splitlines()
    assert written.out == ""
    assert what.startswith("eegrpc: INVALID_ARGUMENT (UNSUPPORTED_BY_EMULATOR): ")
    assert "No.such" in what
    assert hint.startswith("        The emulator does not know this function")


def test_a_bad_line_in_the_catalog_is_named(tmp_path, plain, capsys):
    catalog = tmp_path / "c.ndjson"
    catalog.write_text('{"name":"projects/p/assets/a"}\n{"name":1}\n')
    assert main(["compute-images", plain, "--emulator", "--catalog", str(catalog)]) == 2
    assert f"{catalog}:2: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["compute-images", "--help"], ["doctor", "--help"]])
def test_help_is_0_on_stdout(capsys, arguments):
    assert main(arguments) == 0
    written = capsys.readouterr()
    assert written.out
    assert written.err == ""


def test_help_documents_the_exit_codes(capsys):
    main(["compute-images", "--help"])
    text = capsys.readouterr().out
    assert all(f"\n  {code} " in text for code in (0, 1, 2, 130))


def test_help_loads_neither_the_emulator_nor_looks():
    loaded = "print([m for m in ('rich', 'shapely', 'aiohttp', 'urllib3', 'eegrpc.emulator') if m in sys.modules])"
    code = f"import sys; from eegrpc.cli import main; main(['--help']); {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_both_ways_to_start_it():
    for module in ("eegrpc", "eegrpc.cli"):
        done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout == f"eegrpc {eegrpc.__version__}\n"


def test_verbose_logs_to_stderr(plain, capsys):
    assert main(["compute-images", plain, "--emulator", "--limit", "1", "--format", "ndjson", "-vv"]) == 0
    written = capsys.readouterr()
    assert json.loads(written.out)["type"] == "IMAGE"


def test_an_asset_that_json_has_no_form_for(tmp_path, plain, capsys):
    servicer = ScriptedServicer()
    servicer.answer = lambda *_: ComputeImagesResponse(images=[image("a", n=float("nan"))])
    with grpc_server(servicer) as port:
        where = ["--endpoint", f"http://127.0.0.1:{port}", "--project", "p", "--transport", "grpc"]
        assert main(["compute-images", plain, "--format", "ndjson", *where]) == 1
        assert "cannot be written as JSON" in capsys.readouterr().err
        assert main(["compute-images", plain, *where]) == 0
