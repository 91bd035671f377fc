"""The HTTP rule of a method, checked against the method's messages: how a request splits into path, query and body.

The rule is google.api.HttpRule; google/api/http.proto says what it means. Here it becomes an immutable `Binding`, built
once; messages are split on their wire bytes, never decoded and printed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from eegrpc.mapper import MapperError
from eegrpc.transcoding import scalars, wire
from eegrpc.transcoding.template import PathTemplate, TemplateError, Variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.api.http_pb2 import HttpRule
    from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor

__all__ = ["Binding", "Method", "Split", "methods_of"]

_IDEMPOTENT_VERBS = frozenset({"GET", "HEAD", "PUT", "DELETE"})  # RFC 9110, 9.2.2
_WHOLE = "*"

FieldPath = tuple[FieldDescriptor, ...]


class Split(NamedTuple):
    """A request message, cut into encodings of the parts that go to each place."""

    path: Mapping[str, str]
    """The text of each path variable, by dotted field path."""
    body: bytes
    """Encoding of the fields of the body."""
    query: bytes
    """Encoding of the fields that are left for query parameters."""


class Binding(NamedTuple):
    """One way to reach a method by HTTP."""

    http_method: str
    """Upper case; ``*`` for any."""
    template: PathTemplate
    body: FieldDescriptor | str | None
    """The request field that is the HTTP body, ``*`` for all fields that are not in the path, None for no body."""
    response_body: FieldDescriptor | None
    """The response field that is the HTTP body, None for the whole message."""
    input: Descriptor
    path_fields: Mapping[str, FieldPath]
    """The fields of the path variables, by dotted field path."""
    path_tree: wire.FieldTree
    """The fields of the path variables, by number."""
    message_class: Any
    """The class of request messages."""

    def split(self, message: bytes) -> Split:
        """Cut an encoded request into path, body and query.

        Raises:
            MapperError: `message` is not an encoded request.
        """
        in_path, rest = wire.split(message, self.path_tree) if self.path_tree else (b"", message)
        path = self._path_values(in_path) if self.path_fields else {}
        if self.body == _WHOLE:
            return Split(path, rest, b"")
        if self.body is None:
            return Split(path, b"", rest)
        assert isinstance(self.body, FieldDescriptor)
        body, query = wire.split(rest, {self.body.number: None})
        return Split(path, body, query)

    def path_wire(self, path: Mapping[str, str]) -> bytes:
        """Return the encoding of the fields of the path variables.

        A default does not set the messages around it: ``/0`` is also what an unset message's count looks like.

        Raises:
            MapperError: A text is not a value of its field's type.
        """
        encoded = []
        for name, value in path.items():
            fields = self.path_fields[name]
            leaf = scalars.encode(fields[-1], value)
            if len(fields) == 1 or fields[-1].has_presence or leaf != scalars.encode_default(fields[-1]):
                encoded.append(nest(fields, leaf))
        return b"".join(encoded)

    def conflict(self, message: bytes, path: Mapping[str, str]) -> str | None:
        """Return the dotted path of a path field that an encoded request sets to something else than `path`, or None.

        Raises:
            MapperError: A text of `path` is not a value of its field's type.
        """
        in_message = wire.split(message, self.path_tree)[0] if self.path_tree else b""
        if not in_message:
            return None
        fields = self.path_fields
        in_path = b"".join(nest(fields[name], scalars.encode(fields[name][-1], value)) for name, value in path.items())
        expected = self._path_values(in_path)
        found = self._path_values(in_message, only_set=True)
        return next((name for name, value in found.items() if expected[name] != value), None)

    def _path_values(self, in_path: bytes, *, only_set: bool = False) -> dict[str, str]:
        try:
            message = self.message_class.FromString(in_path)
        except DecodeError as error:
            raise MapperError("wire", f"not an encoded {self.input.full_name}: {error}") from error
        values = {}
        for name, fields in self.path_fields.items():
            parent = message
            for outer in fields[:-1]:
                parent = getattr(parent, outer.name)
            leaf = fields[-1]
            value = getattr(parent, leaf.name)
            is_set = parent.HasField(leaf.name) if leaf.has_presence else value != leaf.default_value
            # A field without presence always has a value: 0 is one. (No template takes the empty string.)
            if is_set or not (leaf.has_presence or only_set):
                values[name] = scalars.text(leaf, value)
        return values


class Method(NamedTuple):
    """What the channel and the server must know of one method."""

    path: str
    """Path of gRPC: ``/package.Service/Method``."""
    full_name: str
    """``package.Service.Method``."""
    input: Descriptor
    output: Descriptor
    client_streaming: bool
    server_streaming: bool
    replayable: bool
    """Whether a call that got no answer may be sent again: its `idempotency_level` is set, or the HTTP method of its
    first binding is idempotent."""
    bindings: tuple[Binding, ...]
    """In order of the rule; empty if the method has none and so cannot be reached by HTTP."""


def methods_of(service: ServiceDescriptor, rules: Iterable[HttpRule] = ()) -> tuple[Method, ...]:
    """Return the methods of a service, with their rules compiled.

    Args:
        service: The service; its google.api.http annotations are the rules.
        rules: Rules that take precedence, each with the full name of its method as `selector`, as in the service
            configuration google.api.Service; the last one for a method wins.

    Raises:
        TemplateError: A rule is wrong (a ValueError, with the column). Whoever wrote the annotation must act.
    """
    selected = {rule.selector: rule for rule in rules}
    return tuple(_method(method, selected) for method in service.methods)


def nest(fields: FieldPath, encoded: bytes) -> bytes:
    """Return the encoding of a message in which only the field at the end of the path is set, given that encoded."""
    for outer in reversed(fields[:-1]):
        encoded = wire.length_delimited(outer.number, encoded)
    return encoded


def _method(method: MethodDescriptor, selected: Mapping[str, HttpRule]) -> Method:
    options = method.GetOptions()
    rule = selected.get(method.full_name)
    if rule is None and options.HasExtension(annotations_pb2.http):
        rule = options.Extensions[annotations_pb2.http]
    bindings: tuple[Binding, ...] = ()
    if rule is not None:
        for each in rule.additional_bindings:
            if each.additional_bindings:
                raise TemplateError(f"{method.full_name}: additional_bindings must not be nested", str(each), 1)
        bindings = tuple(_binding(method, each) for each in (rule, *rule.additional_bindings))
    level = options.idempotency_level != descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN
    return Method(
        path=f"/{method.containing_service.full_name}/{method.name}",
        full_name=method.full_name,
        input=method.input_type,
        output=method.output_type,
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        replayable=level or (bool(bindings) and bindings[0].http_method in _IDEMPOTENT_VERBS),
        bindings=bindings,
    )


def _binding(method: MethodDescriptor, rule: HttpRule) -> Binding:
    pattern = rule.WhichOneof("pattern")
    if pattern is None:
        raise TemplateError(f"{method.full_name}: the HTTP rule has no pattern", "", 1)
    if pattern == "custom":
        http_method, text = rule.custom.kind, rule.custom.path
        if not http_method.isascii() or not (http_method == "*" or http_method.replace("-", "").isalnum()):
            raise TemplateError(f"{method.full_name}: not an HTTP method", http_method, 1)
    else:
        http_method, text = pattern, getattr(rule, pattern)
    try:
        template = PathTemplate(text)
    except TemplateError as error:
        raise TemplateError(f"{method.full_name}: {error.problem}", text, error.column) from None
    path_fields = {variable.name: _path_field(method, template, variable) for variable in template.variables}
    body: FieldDescriptor | str | None = None
    if rule.body == _WHOLE:
        body = _WHOLE
    elif rule.body:
        body = _top_level(method, method.input_type, "body", rule.body)
        for variable in template.variables:
            if variable.field_path[0] == body.name and len(variable.field_path) == 1:
                raise TemplateError(f"{method.full_name}: {body.name} is the body as well", text, variable.column)
    response_body = None
    if rule.response_body:
        response_body = _top_level(method, method.output_type, "response_body", rule.response_body)
    return Binding(
        http_method=http_method.upper(),
        template=template,
        body=body,
        response_body=response_body,
        input=method.input_type,
        path_fields=path_fields,
        path_tree=wire.union([_tree(fields) for fields in path_fields.values()]),
        message_class=message_factory.GetMessageClass(method.input_type),
    )


def _path_field(method: MethodDescriptor, template: PathTemplate, variable: Variable) -> FieldPath:
    """Return the fields that a path variable refers to, or raise TemplateError."""
    message: Descriptor | None = method.input_type
    fields: list[FieldDescriptor] = []
    column = variable.column + 1  # after the brace
    for name in variable.field_path:
        problem = None
        if message is None:
            problem = f"{fields[-1].name} is not a message and has no field {name}"
        elif name not in message.fields_by_name:
            problem = f"{message.full_name} has no field {name}"
        elif message.fields_by_name[name].is_repeated:
            problem = f"{name} is repeated or a map, which a path variable cannot be"
        if problem is not None:
            raise TemplateError(f"{method.full_name}: {problem}", template.text, column)
        assert message is not None
        fields.append(message.fields_by_name[name])
        message = fields[-1].message_type
        column += len(name) + 1
    if message is not None:
        problem = f"{fields[-1].name} is a message, which a path variable cannot be"
        raise TemplateError(f"{method.full_name}: {problem}", template.text, variable.column + 1)
    return tuple(fields)


def _top_level(method: MethodDescriptor, message: Descriptor, role: str, name: str) -> FieldDescriptor:
    """Return the field that is the `role` of a rule, or raise TemplateError."""
    if "." in name:
        raise TemplateError(f"{method.full_name}: {role} must be a top-level field", name, name.index(".") + 1)
    if name not in message.fields_by_name:
        raise TemplateError(f"{method.full_name}: {role} is not a field of {message.full_name}", name, 1)
    return message.fields_by_name[name]


def _tree(fields: FieldPath) -> wire.FieldTree:
    tree: wire.FieldTree | None = None
    for each in reversed(fields):
        tree = {each.number: tree}
    assert tree is not None
    return tree
