import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EarthEngineAsset(_message.Message):
    __slots__ = ("type", "name", "id", "update_time", "title", "description", "properties", "start_time", "end_time", "geometry", "bands", "size_bytes", "feature_count", "quota", "tilesets", "cloud_storage_location", "gcs_location", "feature_view_asset_location")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[EarthEngineAsset.Type]
        IMAGE: _ClassVar[EarthEngineAsset.Type]
        IMAGE_COLLECTION: _ClassVar[EarthEngineAsset.Type]
        TABLE: _ClassVar[EarthEngineAsset.Type]
        FOLDER: _ClassVar[EarthEngineAsset.Type]
        CLASSIFIER: _ClassVar[EarthEngineAsset.Type]
        FEATURE_VIEW: _ClassVar[EarthEngineAsset.Type]
    TYPE_UNSPECIFIED: EarthEngineAsset.Type
    IMAGE: EarthEngineAsset.Type
    IMAGE_COLLECTION: EarthEngineAsset.Type
    TABLE: EarthEngineAsset.Type
    FOLDER: EarthEngineAsset.Type
    CLASSIFIER: EarthEngineAsset.Type
    FEATURE_VIEW: EarthEngineAsset.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    GEOMETRY_FIELD_NUMBER: _ClassVar[int]
    BANDS_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FEATURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    TILESETS_FIELD_NUMBER: _ClassVar[int]
    CLOUD_STORAGE_LOCATION_FIELD_NUMBER: _ClassVar[int]
    GCS_LOCATION_FIELD_NUMBER: _ClassVar[int]
    FEATURE_VIEW_ASSET_LOCATION_FIELD_NUMBER: _ClassVar[int]
    type: EarthEngineAsset.Type
    name: str
    id: str
    update_time: _timestamp_pb2.Timestamp
    title: str
    description: str
    properties: _struct_pb2.Struct
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    geometry: _struct_pb2.Struct
    bands: _containers.RepeatedCompositeFieldContainer[ImageBand]
    size_bytes: int
    feature_count: int
    quota: FolderQuota
    tilesets: _containers.RepeatedCompositeFieldContainer[Tileset]
    cloud_storage_location: CloudStorageLocation
    gcs_location: GcsLocation
    feature_view_asset_location: FeatureViewLocation
    def __init__(self, type: _Optional[_Union[EarthEngineAsset.Type, str]] = ..., name: _Optional[str] = ..., id: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., properties: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., geometry: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., bands: _Optional[_Iterable[_Union[ImageBand, _Mapping]]] = ..., size_bytes: _Optional[int] = ..., feature_count: _Optional[int] = ..., quota: _Optional[_Union[FolderQuota, _Mapping]] = ..., tilesets: _Optional[_Iterable[_Union[Tileset, _Mapping]]] = ..., cloud_storage_location: _Optional[_Union[CloudStorageLocation, _Mapping]] = ..., gcs_location: _Optional[_Union[GcsLocation, _Mapping]] = ..., feature_view_asset_location: _Optional[_Union[FeatureViewLocation, _Mapping]] = ...) -> None: ...

class ImageBand(_message.Message):
    __slots__ = ("id", "data_type", "grid", "pyramiding_policy", "missing_data")
    class PyramidingPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PYRAMIDING_POLICY_UNSPECIFIED: _ClassVar[ImageBand.PyramidingPolicy]
        MEAN: _ClassVar[ImageBand.PyramidingPolicy]
        SAMPLE: _ClassVar[ImageBand.PyramidingPolicy]
        MIN: _ClassVar[ImageBand.PyramidingPolicy]
        MAX: _ClassVar[ImageBand.PyramidingPolicy]
        MODE: _ClassVar[ImageBand.PyramidingPolicy]
        MEDIAN: _ClassVar[ImageBand.PyramidingPolicy]
    PYRAMIDING_POLICY_UNSPECIFIED: ImageBand.PyramidingPolicy
    MEAN: ImageBand.PyramidingPolicy
    SAMPLE: ImageBand.PyramidingPolicy
    MIN: ImageBand.PyramidingPolicy
    MAX: ImageBand.PyramidingPolicy
    MODE: ImageBand.PyramidingPolicy
    MEDIAN: ImageBand.PyramidingPolicy
    ID_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    PYRAMIDING_POLICY_FIELD_NUMBER: _ClassVar[int]
    MISSING_DATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    data_type: PixelDataType
    grid: PixelGrid
    pyramiding_policy: ImageBand.PyramidingPolicy
    missing_data: MissingData
    def __init__(self, id: _Optional[str] = ..., data_type: _Optional[_Union[PixelDataType, _Mapping]] = ..., grid: _Optional[_Union[PixelGrid, _Mapping]] = ..., pyramiding_policy: _Optional[_Union[ImageBand.PyramidingPolicy, str]] = ..., missing_data: _Optional[_Union[MissingData, _Mapping]] = ...) -> None: ...

class PixelDataType(_message.Message):
    __slots__ = ("precision", "range", "dimensions_count")
    class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PRECISION_UNSPECIFIED: _ClassVar[PixelDataType.Precision]
        INT: _ClassVar[PixelDataType.Precision]
        FLOAT: _ClassVar[PixelDataType.Precision]
        DOUBLE: _ClassVar[PixelDataType.Precision]
    PRECISION_UNSPECIFIED: PixelDataType.Precision
    INT: PixelDataType.Precision
    FLOAT: PixelDataType.Precision
    DOUBLE: PixelDataType.Precision
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_COUNT_FIELD_NUMBER: _ClassVar[int]
    precision: PixelDataType.Precision
    range: DoubleRange
    dimensions_count: int
    def __init__(self, precision: _Optional[_Union[PixelDataType.Precision, str]] = ..., range: _Optional[_Union[DoubleRange, _Mapping]] = ..., dimensions_count: _Optional[int] = ...) -> None: ...

class MissingData(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class DoubleRange(_message.Message):
    __slots__ = ("min", "max")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    min: float
    max: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class PixelGrid(_message.Message):
    __slots__ = ("dimensions", "affine_transform", "crs_code", "crs_wkt")
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    AFFINE_TRANSFORM_FIELD_NUMBER: _ClassVar[int]
    CRS_CODE_FIELD_NUMBER: _ClassVar[int]
    CRS_WKT_FIELD_NUMBER: _ClassVar[int]
    dimensions: GridDimensions
    affine_transform: AffineTransform
    crs_code: str
    crs_wkt: str
    def __init__(self, dimensions: _Optional[_Union[GridDimensions, _Mapping]] = ..., affine_transform: _Optional[_Union[AffineTransform, _Mapping]] = ..., crs_code: _Optional[str] = ..., crs_wkt: _Optional[str] = ...) -> None: ...

class GridDimensions(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class AffineTransform(_message.Message):
    __slots__ = ("scale_x", "shear_x", "translate_x", "shear_y", "scale_y", "translate_y")
    SCALE_X_FIELD_NUMBER: _ClassVar[int]
    SHEAR_X_FIELD_NUMBER: _ClassVar[int]
    TRANSLATE_X_FIELD_NUMBER: _ClassVar[int]
    SHEAR_Y_FIELD_NUMBER: _ClassVar[int]
    SCALE_Y_FIELD_NUMBER: _ClassVar[int]
    TRANSLATE_Y_FIELD_NUMBER: _ClassVar[int]
    scale_x: float
    shear_x: float
    translate_x: float
    shear_y: float
    scale_y: float
    translate_y: float
    def __init__(self, scale_x: _Optional[float] = ..., shear_x: _Optional[float] = ..., translate_x: _Optional[float] = ..., shear_y: _Optional[float] = ..., scale_y: _Optional[float] = ..., translate_y: _Optional[float] = ...) -> None: ...

class FolderQuota(_message.Message):
    __slots__ = ("size_bytes", "max_size_bytes", "asset_count", "max_assets", "max_asset_count")
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ASSET_COUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_ASSETS_FIELD_NUMBER: _ClassVar[int]
    MAX_ASSET_COUNT_FIELD_NUMBER: _ClassVar[int]
    size_bytes: int
    max_size_bytes: int
    asset_count: int
    max_assets: int
    max_asset_count: int
    def __init__(self, size_bytes: _Optional[int] = ..., max_size_bytes: _Optional[int] = ..., asset_count: _Optional[int] = ..., max_assets: _Optional[int] = ..., max_asset_count: _Optional[int] = ...) -> None: ...

class Tileset(_message.Message):
    __slots__ = ("id", "sources", "data_type", "crs")
    class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DATA_TYPE_UNSPECIFIED: _ClassVar[Tileset.DataType]
        INT8: _ClassVar[Tileset.DataType]
        UINT8: _ClassVar[Tileset.DataType]
        INT16: _ClassVar[Tileset.DataType]
        UINT16: _ClassVar[Tileset.DataType]
        INT32: _ClassVar[Tileset.DataType]
        UINT32: _ClassVar[Tileset.DataType]
        FLOAT: _ClassVar[Tileset.DataType]
        DOUBLE: _ClassVar[Tileset.DataType]
    DATA_TYPE_UNSPECIFIED: Tileset.DataType
    INT8: Tileset.DataType
    UINT8: Tileset.DataType
    INT16: Tileset.DataType
    UINT16: Tileset.DataType
    INT32: Tileset.DataType
    UINT32: Tileset.DataType
    FLOAT: Tileset.DataType
    DOUBLE: Tileset.DataType
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    CRS_FIELD_NUMBER: _ClassVar[int]
    id: str
    sources: _containers.RepeatedCompositeFieldContainer[ImageSource]
    data_type: Tileset.DataType
    crs: str
    def __init__(self, id: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[ImageSource, _Mapping]]] = ..., data_type: _Optional[_Union[Tileset.DataType, str]] = ..., crs: _Optional[str] = ...) -> None: ...

class ImageSource(_message.Message):
    __slots__ = ("uris", "affine_transform", "dimensions")
    URIS_FIELD_NUMBER: _ClassVar[int]
    AFFINE_TRANSFORM_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    uris: _containers.RepeatedScalarFieldContainer[str]
    affine_transform: AffineTransform
    dimensions: GridDimensions
    def __init__(self, uris: _Optional[_Iterable[str]] = ..., affine_transform: _Optional[_Union[AffineTransform, _Mapping]] = ..., dimensions: _Optional[_Union[GridDimensions, _Mapping]] = ...) -> None: ...

class CloudStorageLocation(_message.Message):
    __slots__ = ("uris",)
    URIS_FIELD_NUMBER: _ClassVar[int]
    uris: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, uris: _Optional[_Iterable[str]] = ...) -> None: ...

class GcsLocation(_message.Message):
    __slots__ = ("uris",)
    URIS_FIELD_NUMBER: _ClassVar[int]
    uris: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, uris: _Optional[_Iterable[str]] = ...) -> None: ...

class FeatureViewLocation(_message.Message):
    __slots__ = ("asset_options",)
    ASSET_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    asset_options: FeatureViewOptions
    def __init__(self, asset_options: _Optional[_Union[FeatureViewOptions, _Mapping]] = ...) -> None: ...

class FeatureViewOptions(_message.Message):
    __slots__ = ("feature_view_attributes", "ingestion_time_parameters")
    FEATURE_VIEW_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    INGESTION_TIME_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    feature_view_attributes: _containers.RepeatedCompositeFieldContainer[FeatureViewAttribute]
    ingestion_time_parameters: FeatureViewIngestionTimeParameters
    def __init__(self, feature_view_attributes: _Optional[_Iterable[_Union[FeatureViewAttribute, _Mapping]]] = ..., ingestion_time_parameters: _Optional[_Union[FeatureViewIngestionTimeParameters, _Mapping]] = ...) -> None: ...

class FeatureViewAttribute(_message.Message):
    __slots__ = ("name", "type")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[FeatureViewAttribute.Type]
        INTEGER: _ClassVar[FeatureViewAttribute.Type]
        BOOLEAN: _ClassVar[FeatureViewAttribute.Type]
        DOUBLE: _ClassVar[FeatureViewAttribute.Type]
        STRING: _ClassVar[FeatureViewAttribute.Type]
        DATE_TIME: _ClassVar[FeatureViewAttribute.Type]
    TYPE_UNSPECIFIED: FeatureViewAttribute.Type
    INTEGER: FeatureViewAttribute.Type
    BOOLEAN: FeatureViewAttribute.Type
    DOUBLE: FeatureViewAttribute.Type
    STRING: FeatureViewAttribute.Type
    DATE_TIME: FeatureViewAttribute.Type
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: FeatureViewAttribute.Type
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[FeatureViewAttribute.Type, str]] = ...) -> None: ...

class FeatureViewIngestionTimeParameters(_message.Message):
    __slots__ = ("thinning_options", "ranking_options")
    THINNING_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    RANKING_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    thinning_options: ThinningOptions
    ranking_options: RankingOptions
    def __init__(self, thinning_options: _Optional[_Union[ThinningOptions, _Mapping]] = ..., ranking_options: _Optional[_Union[RankingOptions, _Mapping]] = ...) -> None: ...

class ThinningOptions(_message.Message):
    __slots__ = ("max_features_per_tile", "thinning_strategy")
    class ThinningStrategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN_THINNING_STRATEGY: _ClassVar[ThinningOptions.ThinningStrategy]
        GLOBALLY_CONSISTENT: _ClassVar[ThinningOptions.ThinningStrategy]
        HIGHER_DENSITY: _ClassVar[ThinningOptions.ThinningStrategy]
    UNKNOWN_THINNING_STRATEGY: ThinningOptions.ThinningStrategy
    GLOBALLY_CONSISTENT: ThinningOptions.ThinningStrategy
    HIGHER_DENSITY: ThinningOptions.ThinningStrategy
    MAX_FEATURES_PER_TILE_FIELD_NUMBER: _ClassVar[int]
    THINNING_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    max_features_per_tile: int
    thinning_strategy: ThinningOptions.ThinningStrategy
    def __init__(self, max_features_per_tile: _Optional[int] = ..., thinning_strategy: _Optional[_Union[ThinningOptions.ThinningStrategy, str]] = ...) -> None: ...

class RankingOptions(_message.Message):
    __slots__ = ("z_order_ranking_rule", "thinning_ranking_rule")
    Z_ORDER_RANKING_RULE_FIELD_NUMBER: _ClassVar[int]
    THINNING_RANKING_RULE_FIELD_NUMBER: _ClassVar[int]
    z_order_ranking_rule: RankingRule
    thinning_ranking_rule: RankingRule
    def __init__(self, z_order_ranking_rule: _Optional[_Union[RankingRule, _Mapping]] = ..., thinning_ranking_rule: _Optional[_Union[RankingRule, _Mapping]] = ...) -> None: ...

class RankingRule(_message.Message):
    __slots__ = ("rank_by_one_thing_rule",)
    RANK_BY_ONE_THING_RULE_FIELD_NUMBER: _ClassVar[int]
    rank_by_one_thing_rule: _containers.RepeatedCompositeFieldContainer[RankByOneThingRule]
    def __init__(self, rank_by_one_thing_rule: _Optional[_Iterable[_Union[RankByOneThingRule, _Mapping]]] = ...) -> None: ...

class RankByOneThingRule(_message.Message):
    __slots__ = ("rank_by_attribute_rule", "rank_by_min_visible_lod_rule", "rank_by_geometry_type_rule", "rank_by_min_zoom_level_rule", "direction")
    class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DIRECTION_UNSPECIFIED: _ClassVar[RankByOneThingRule.Direction]
        ASCENDING: _ClassVar[RankByOneThingRule.Direction]
        DESCENDING: _ClassVar[RankByOneThingRule.Direction]
    DIRECTION_UNSPECIFIED: RankByOneThingRule.Direction
    ASCENDING: RankByOneThingRule.Direction
    DESCENDING: RankByOneThingRule.Direction
    RANK_BY_ATTRIBUTE_RULE_FIELD_NUMBER: _ClassVar[int]
    RANK_BY_MIN_VISIBLE_LOD_RULE_FIELD_NUMBER: _ClassVar[int]
    RANK_BY_GEOMETRY_TYPE_RULE_FIELD_NUMBER: _ClassVar[int]
    RANK_BY_MIN_ZOOM_LEVEL_RULE_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    rank_by_attribute_rule: RankByAttributeRule
    rank_by_min_visible_lod_rule: RankByMinVisibleLodRule
    rank_by_geometry_type_rule: RankByGeometryTypeRule
    rank_by_min_zoom_level_rule: RankByMinZoomLevelRule
    direction: RankByOneThingRule.Direction
    def __init__(self, rank_by_attribute_rule: _Optional[_Union[RankByAttributeRule, _Mapping]] = ..., rank_by_min_visible_lod_rule: _Optional[_Union[RankByMinVisibleLodRule, _Mapping]] = ..., rank_by_geometry_type_rule: _Optional[_Union[RankByGeometryTypeRule, _Mapping]] = ..., rank_by_min_zoom_level_rule: _Optional[_Union[RankByMinZoomLevelRule, _Mapping]] = ..., direction: _Optional[_Union[RankByOneThingRule.Direction, str]] = ...) -> None: ...

class RankByAttributeRule(_message.Message):
    __slots__ = ("attribute_name",)
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    def __init__(self, attribute_name: _Optional[str] = ...) -> None: ...

class RankByMinVisibleLodRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RankByGeometryTypeRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RankByMinZoomLevelRule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
