"""Messages and stub of the Earth Engine API v1alpha, by name.

    from eegrpc.v1alpha import ComputeImagesRequest, EarthEngineStub

Generated from protos/ by build_protos.py. Names, types and JSON shapes are Google's; the field numbers are ours.
"""

from eegrpc.v1alpha.asset_pb2 import (
    AffineTransform,
    CloudStorageLocation,
    DoubleRange,
    EarthEngineAsset,
    FeatureViewAttribute,
    FeatureViewIngestionTimeParameters,
    FeatureViewLocation,
    FeatureViewOptions,
    FolderQuota,
    GcsLocation,
    GridDimensions,
    ImageBand,
    ImageSource,
    MissingData,
    PixelDataType,
    PixelGrid,
    RankByAttributeRule,
    RankByGeometryTypeRule,
    RankByMinVisibleLodRule,
    RankByMinZoomLevelRule,
    RankByOneThingRule,
    RankingOptions,
    RankingRule,
    ThinningOptions,
    Tileset,
)
from eegrpc.v1alpha.earth_engine_pb2 import ComputeImagesRequest, ComputeImagesResponse
from eegrpc.v1alpha.earth_engine_pb2_grpc import (
    EarthEngineServicer,
    EarthEngineStub,
    add_EarthEngineServicer_to_server,
)
from eegrpc.v1alpha.expression_pb2 import (
    ArrayValue,
    DictionaryValue,
    Expression,
    FunctionDefinition,
    FunctionInvocation,
    ValueNode,
)

__all__ = [
    "AffineTransform",
    "ArrayValue",
    "CloudStorageLocation",
    "ComputeImagesRequest",
    "ComputeImagesResponse",
    "DictionaryValue",
    "DoubleRange",
    "EarthEngineAsset",
    "EarthEngineServicer",
    "EarthEngineStub",
    "Expression",
    "FeatureViewAttribute",
    "FeatureViewIngestionTimeParameters",
    "FeatureViewLocation",
    "FeatureViewOptions",
    "FolderQuota",
    "FunctionDefinition",
    "FunctionInvocation",
    "GcsLocation",
    "GridDimensions",
    "ImageBand",
    "ImageSource",
    "MissingData",
    "PixelDataType",
    "PixelGrid",
    "RankByAttributeRule",
    "RankByGeometryTypeRule",
    "RankByMinVisibleLodRule",
    "RankByMinZoomLevelRule",
    "RankByOneThingRule",
    "RankingOptions",
    "RankingRule",
    "ThinningOptions",
    "Tileset",
    "ValueNode",
    "add_EarthEngineServicer_to_server",
]
