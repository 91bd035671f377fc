from eegrpc.v1alpha import asset_pb2 as _asset_pb2
from eegrpc.v1alpha import expression_pb2 as _expression_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import client_pb2 as _client_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ComputeImagesRequest(_message.Message):
    __slots__ = ("project", "expression", "page_size", "page_token", "workload_tag")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    WORKLOAD_TAG_FIELD_NUMBER: _ClassVar[int]
    project: str
    expression: _expression_pb2.Expression
    page_size: int
    page_token: str
    workload_tag: str
    def __init__(self, project: _Optional[str] = ..., expression: _Optional[_Union[_expression_pb2.Expression, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., workload_tag: _Optional[str] = ...) -> None: ...

class ComputeImagesResponse(_message.Message):
    __slots__ = ("images", "next_page_token")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[_asset_pb2.EarthEngineAsset]
    next_page_token: str
    def __init__(self, images: _Optional[_Iterable[_Union[_asset_pb2.EarthEngineAsset, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
