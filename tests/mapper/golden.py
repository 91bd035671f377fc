"""Pages as Earth Engine sends them, with everything that JSON text can have: the golden pages of the rows."""

from __future__ import annotations

import functools
import json
import random

FIRST = (
    '{ "images" : [\r\n\t{"type":"IMAGE","name":"projects/p/assets/\\u00e9\\ud83d\\ude00\\n\\\\\\"\\/é€\U0001f600",'
    '"updateTime":"2023-01-01T00:00:00.123456Z","sizeBytes":"-0","featureCount":12,"novel":[null,true,false,'
    '{"a":-1.5e-7,"b":[],"c":{}},"x"],"type2":null,"bands":[{"id":"B1","grid":{"affineTransform":{"scaleX":1E+2,'
    '"shearX":-0.25,"translateX":0}}}]} , {}],"nextPageToken":"t\\u0041" } \n'
).encode()


@functools.cache
def page(count: int, seed: int = 1) -> bytes:
    """Return a page of so many images, each about 9.5 kB."""
    draws = random.Random(seed)
    images = [
        {
            "type": "IMAGE",
            "name": f"projects/earthengine-public/assets/COPERNICUS/S2/{number}",
            "id": f"COPERNICUS/S2/{number}",
            "updateTime": "2023-01-01T00:00:00.123456Z",
            "startTime": "2023-01-01T00:00:00Z",
            "sizeBytes": str(draws.randrange(10**12)),
            "properties": {f"PROPERTY_{key}": _property(draws, key) for key in range(80)},
            "geometry": {"type": "Polygon", "coordinates": [[[draws.random() * 180, 1.5] for _ in range(30)]]},
            "bands": [_band(f"B{band}", draws.random()) for band in range(23)],
        }
        for number in range(count)
    ]
    return json.dumps({"images": images, "nextPageToken": "é"}, separators=(",", ":"), ensure_ascii=False).encode()


def _property(draws: random.Random, key: int) -> object:
    return (draws.random() * 100, draws.randrange(10**6), f"välue {draws.randrange(10**9)}")[key % 3]


def _band(name: str, shift: float) -> object:
    transform = {"scaleX": 10, "translateX": 499980 + shift, "scaleY": -10, "translateY": 4200000}
    return {
        "id": name,
        "dataType": {"precision": "INT", "range": {"max": 65535}},
        "grid": {
            "crsCode": "EPSG:32610",
            "dimensions": {"width": 10980, "height": 10980},
            "affineTransform": transform,
        },
    }


def small_page() -> bytes:
    """Return a page of about 4 kB."""
    value = json.loads(page(1))
    value["images"][0]["bands"] = value["images"][0]["bands"][:2]
    value["images"][0]["properties"] = dict(list(value["images"][0]["properties"].items())[:30])
    return json.dumps(value, ensure_ascii=False).encode()
