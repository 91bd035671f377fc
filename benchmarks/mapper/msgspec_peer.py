"""The answer's messages as msgspec has them: structs with checked fields, times and 64-bit integers left as text."""

from __future__ import annotations

from functools import partial
from typing import Any

__all__ = ["answer_class"]


def answer_class(msgspec: Any) -> Any:
    """Return the struct of ComputeImagesResponse, with the fields that listed images have."""
    struct = partial(msgspec.defstruct, kw_only=True, rename="camel", omit_defaults=True)
    text, number, whole = (str, ""), (float, 0.0), (int, 0)
    names = ("scale_x", "shear_x", "translate_x", "shear_y", "scale_y", "translate_y")
    transform = struct("AffineTransform", [(name, *number) for name in names])
    dimensions = struct("GridDimensions", [("width", *whole), ("height", *whole)])
    grid = struct(
        "PixelGrid",
        [
            ("dimensions", dimensions | None, None),
            ("affine_transform", transform | None, None),
            ("crs_code", *text),
            ("crs_wkt", *text),
        ],
    )
    limits = struct("DoubleRange", [("min", *number), ("max", *number)])
    kind = struct("PixelDataType", [("precision", *text), ("range", limits | None, None), ("dimensions_count", *whole)])
    band = struct(
        "ImageBand",
        [("id", *text), ("data_type", kind | None, None), ("grid", grid | None, None), ("pyramiding_policy", *text)],
    )
    image = struct(
        "EarthEngineAsset",
        [
            *((name, *text) for name in ("type", "name", "id", "update_time")),
            ("properties", dict[str, Any] | None, None),
            *((name, *text) for name in ("start_time", "end_time")),
            ("geometry", dict[str, Any] | None, None),
            ("bands", list[band], []),
            ("size_bytes", *text),
        ],
    )
    return struct("ComputeImagesResponse", [("images", list[image], []), ("next_page_token", *text)])
