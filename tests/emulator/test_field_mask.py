"""Field masks in the syntax of Google's fields parameter."""

import pytest

from eegrpc.emulator.serving.field_mask import FieldMask, FieldMaskError
from eegrpc.v1alpha import ComputeImagesResponse, EarthEngineAsset


def page() -> ComputeImagesResponse:
    asset = EarthEngineAsset(name="n", id="i", size_bytes=5)
    asset.properties.update({"CLOUD_COVER": 3, "other": "x"})
    asset.bands.add(id="B1").data_type.range.max = 255
    asset.bands.add(id="B2")
    return ComputeImagesResponse(images=[asset, EarthEngineAsset(name="m")], next_page_token="t")


@pytest.mark.parametrize(
    ("mask", "json"),
    [
        ("*", page()),
        ("images,nextPageToken", page()),
        ("next_page_token", {"next_page_token": "t"}),
        ("images.name", {"images": [{"name": "n"}, {"name": "m"}]}),
        ("images/name", {"images": [{"name": "n"}, {"name": "m"}]}),
        (
            "images(name,id),nextPageToken",
            {"images": [{"name": "n", "id": "i"}, {"name": "m"}], "next_page_token": "t"},
        ),
        (" images ( name ) ", {"images": [{"name": "n"}, {"name": "m"}]}),
        ("images.bands(id)", {"images": [{"bands": [{"id": "B1"}, {"id": "B2"}]}, {}]}),
        ("images.bands.dataType", {"images": [{"bands": [{"data_type": {"range": {"max": 255}}}, {}]}, {}]}),
        ("images.properties.CLOUD_COVER", {"images": [{"properties": {"CLOUD_COVER": 3}}, {}]}),
        ("images.sizeBytes,images.size_bytes", {"images": [{"size_bytes": 5}, {}]}),
        ("images.name,images", {"images": page().images}),
        ("images(*)", {"images": page().images}),
    ],
)
def test_only_what_is_named_stays(mask: str, json: object) -> None:
    response = page()
    FieldMask(mask).apply(response)
    expected = json if isinstance(json, ComputeImagesResponse) else ComputeImagesResponse(**json)  # type: ignore[arg-type]
    assert response == expected


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ("", "ends early"),
        ("images(name", "ends early"),
        ("images,", "ends early"),
        ("images)", "column 7"),
        (",images", "column 1"),
        ("images..name", "column 8"),
        ("images name", "column 8"),
        ("im?ages", "column 3"),
        ("images(name))", "column 13"),
    ],
)
def test_malformed_masks_are_refused_with_the_place(mask: str, message: str) -> None:
    with pytest.raises(FieldMaskError, match=message):
        FieldMask(mask)


@pytest.mark.parametrize("mask", ["pictures", "images.nam", "images.name.x", "images.bands(id,x)"])
def test_fields_that_do_not_exist_are_refused_by_name(mask: str) -> None:
    with pytest.raises(FieldMaskError, match=r"has no field|has no fields inside"):
        FieldMask(mask).apply(page())
