"""``eegrpc emulator prepare``: what compute-images recorded becomes a file that the emulator serves."""

import json
import os

import pytest
from commands import EXPRESSIONS, expression_file, run
from google.protobuf import json_format

from eegrpc.cli import main
from eegrpc.emulator import Catalog
from eegrpc.emulator.evaluation.evaluator import evaluate_images
from eegrpc.v1alpha import Expression


def test_recorded_pages_are_served_as_they_were(tmp_path, capsys):
    ask = ("compute-images", expression_file(tmp_path), "--emulator", "--format", "ndjson")
    recorded = run(*ask, "--page-size", "10").stdout
    source, prepared = tmp_path / "recorded.ndjson", tmp_path / "recorded.eecat"
    source.write_bytes(recorded)
    assert main(["emulator", "prepare", str(source), "-o", str(prepared)]) == 0
    written = capsys.readouterr()
    assert written.out == ""
    assert f"52 assets in {prepared}" in written.err
    expression = json_format.ParseDict(EXPRESSIONS["load_plain"], Expression())
    catalog = Catalog.open(prepared)
    served = [json_format.MessageToDict(image) for image in evaluate_images(expression, catalog)]
    catalog.close()
    assert served == [json.loads(line) for line in recorded.splitlines()]


def test_which_properties_have_an_index(tmp_path):
    source, prepared = tmp_path / "c.ndjson", tmp_path / "c.eecat"
    source.write_text('{"id": "A/1", "properties": {"n": 1, "m": "a"}}\n')
    assert main(["emulator", "prepare", str(source), "-o", str(prepared), "--index", "n", "--index", "m"]) == 0
    catalog = Catalog.open(prepared)
    assert catalog.properties == ("system:time_start", "n", "m")
    catalog.close()


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ('{"id": "A/1"}\n{"id": "A/1"}\n', [], "c.ndjson:2: 'A/1' is already in "),
        ("{]\n", [], "c.ndjson:1: not an EarthEngineAsset in JSON"),
        ("", ["--index", ".geo"], "'.geo' cannot be indexed"),
        ("", ["absent.ndjson"], "absent.ndjson: No such file or directory"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(tmp_path, capsys, content, arguments, message):
    source, prepared = tmp_path / "c.ndjson", tmp_path / "c.eecat"
    source.write_text(content)
    assert main(["emulator", "prepare", str(source), *arguments, "-o", str(prepared)]) == 2
    assert message in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["c.ndjson"]


def test_a_file_that_cannot_be_written(tmp_path, capsys):
    source = tmp_path / "c.ndjson"
    source.write_text("")
    assert main(["emulator", "prepare", str(source), "-o", str(tmp_path / "no" / "c.eecat")]) == 2
    assert "cannot prepare" in capsys.readouterr().err


def test_a_file_of_another_kind(tmp_path, capsys):
    prepared = tmp_path / "c.eecat"
    prepared.write_bytes(b"SQLite format 3\0" + bytes(100))
    assert main(["emulator", "--port", "0", "--catalog", str(prepared)]) == 2
    assert "is no prepared catalog, or is damaged" in capsys.readouterr().err
