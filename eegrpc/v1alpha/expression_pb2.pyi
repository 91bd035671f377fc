from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Expression(_message.Message):
    __slots__ = ("values", "result")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ValueNode
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ValueNode, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, ValueNode]
    result: str
    def __init__(self, values: _Optional[_Mapping[str, ValueNode]] = ..., result: _Optional[str] = ...) -> None: ...

class ValueNode(_message.Message):
    __slots__ = ("constant_value", "integer_value", "bytes_value", "array_value", "dictionary_value", "function_definition_value", "function_invocation_value", "argument_reference", "value_reference")
    CONSTANT_VALUE_FIELD_NUMBER: _ClassVar[int]
    INTEGER_VALUE_FIELD_NUMBER: _ClassVar[int]
    BYTES_VALUE_FIELD_NUMBER: _ClassVar[int]
    ARRAY_VALUE_FIELD_NUMBER: _ClassVar[int]
    DICTIONARY_VALUE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_DEFINITION_VALUE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_INVOCATION_VALUE_FIELD_NUMBER: _ClassVar[int]
    ARGUMENT_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    constant_value: _struct_pb2.Value
    integer_value: int
    bytes_value: bytes
    array_value: ArrayValue
    dictionary_value: DictionaryValue
    function_definition_value: FunctionDefinition
    function_invocation_value: FunctionInvocation
    argument_reference: str
    value_reference: str
    def __init__(self, constant_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., integer_value: _Optional[int] = ..., bytes_value: _Optional[bytes] = ..., array_value: _Optional[_Union[ArrayValue, _Mapping]] = ..., dictionary_value: _Optional[_Union[DictionaryValue, _Mapping]] = ..., function_definition_value: _Optional[_Union[FunctionDefinition, _Mapping]] = ..., function_invocation_value: _Optional[_Union[FunctionInvocation, _Mapping]] = ..., argument_reference: _Optional[str] = ..., value_reference: _Optional[str] = ...) -> None: ...

class ArrayValue(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[ValueNode]
    def __init__(self, values: _Optional[_Iterable[_Union[ValueNode, _Mapping]]] = ...) -> None: ...

class DictionaryValue(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ValueNode
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ValueNode, _Mapping]] = ...) -> None: ...
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, ValueNode]
    def __init__(self, values: _Optional[_Mapping[str, ValueNode]] = ...) -> None: ...

class FunctionDefinition(_message.Message):
    __slots__ = ("argument_names", "body")
    ARGUMENT_NAMES_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    argument_names: _containers.RepeatedScalarFieldContainer[str]
    body: str
    def __init__(self, argument_names: _Optional[_Iterable[str]] = ..., body: _Optional[str] = ...) -> None: ...

class FunctionInvocation(_message.Message):
    __slots__ = ("function_name", "function_reference", "arguments")
    class ArgumentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ValueNode
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ValueNode, _Mapping]] = ...) -> None: ...
    FUNCTION_NAME_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    function_name: str
    function_reference: str
    arguments: _containers.MessageMap[str, ValueNode]
    def __init__(self, function_name: _Optional[str] = ..., function_reference: _Optional[str] = ..., arguments: _Optional[_Mapping[str, ValueNode]] = ...) -> None: ...
