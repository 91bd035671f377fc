"""``eegrpc emulator check``: whether an expression can be evaluated, without a server."""

import json

import pytest
from commands import EXPRESSIONS, expression_file

from eegrpc.cli import main


def _file(tmp_path, function, **arguments):
    path = tmp_path / "expression.json"
    call = {
        "functionName": function,
        "arguments": {name: {"constantValue": given} for name, given in arguments.items()},
    }
    path.write_text(json.dumps({"result": "0", "values": {"0": {"functionInvocationValue": call}}}))
    return str(path)


def test_what_it_gives(tmp_path, capsys):
    assert main(["emulator", "check", expression_file(tmp_path)]) == 0
    assert capsys.readouterr().out == "ImageCollection of 52\n"


def test_of_a_catalog_and_with_assumptions(tmp_path, capsys):
    catalog = tmp_path / "c.ndjson"
    catalog.write_text('{"id": "A/1", "type": "IMAGE"}\n{"id": "A/2", "type": "IMAGE", "properties": {"n": 1}}\n')
    expression = tmp_path / "expression.json"
    load = {"functionName": "ImageCollection.load", "arguments": {"id": {"constantValue": "A"}}}
    sort = {"collection": {"functionInvocationValue": load}, "key": {"constantValue": "n"}}
    call = {"functionInvocationValue": {"functionName": "Collection.limit", "arguments": sort}}
    expression.write_text(json.dumps({"result": "0", "values": {"0": call}}))
    assert main(["emulator", "check", str(expression), "--catalog", str(catalog)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "ImageCollection of 2"
    assert second.startswith("rests on sort-missing-last: Elements without the sort key come last")


@pytest.mark.parametrize(
    ("function", "arguments", "what", "hint"),
    [
        ("No.such", {}, "The function 'No.such' is not supported by the emulator.", "the emulator does not"),
        ("Image.load", {"id": "no/such"}, "Image asset 'no/such' not found", "Correct the expression."),
    ],
)
def test_why_it_cannot_be_evaluated(tmp_path, capsys, function, arguments, what, hint):
    assert main(["emulator", "check", _file(tmp_path, function, **arguments)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert what in said.err
    assert f"It is at values.0 > {function}." in said.err
    assert hint in said.err


def test_what_is_no_expression(tmp_path, capsys):
    path = tmp_path / "expression.json"
    path.write_text('{"result": "1", "values": {}}')
    assert main(["emulator", "check", str(path)]) == 2
    assert "1" in capsys.readouterr().err


def test_every_sample_expression_can_be_evaluated(tmp_path, capsys):
    for name, graph in EXPRESSIONS.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(graph))
        assert main(["emulator", "check", str(path)]) == 0, capsys.readouterr().err
