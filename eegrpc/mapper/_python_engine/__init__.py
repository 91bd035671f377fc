"""The reference engine: google.protobuf.json_format, and what it takes to make its verdicts those of the native one.

- `engine`: the engine itself; what the others do comes before json_format, or after it refused.
- `json_text`: bytes to parsed JSON, and the sort of mistake if they are none.
- `scan`, `checks`, `free_form`: one look through the parsed JSON, which takes out and counts what is unknown.
- `explain_json`, `explain_wire`: what was wrong, and where, once json_format has refused.
- `message_types`, `refusal`: what these share.
"""

from __future__ import annotations

from eegrpc.mapper._python_engine.engine import PythonEngine

__all__ = ["PythonEngine"]
