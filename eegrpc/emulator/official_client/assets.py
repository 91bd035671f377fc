"""Assets of the catalog by name and as listings; folders and collections are those that the ids of images imply."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from eegrpc.emulator.images.asset_record import LEGACY_PREFIX, PUBLIC_PREFIX, AssetRecord, canonical_id
from eegrpc.emulator.official_client.asset_filter import parse_asset_filter
from eegrpc.emulator.serving.page_tokens import read_token, write_token
from eegrpc.v1alpha import EarthEngineAsset

if TYPE_CHECKING:
    from eegrpc.emulator.catalog import AnyCatalog

__all__ = ["VIEWS", "Page", "Query", "asset_name", "find_asset", "list_assets"]

VIEWS = {"": 1000, "EARTH_ENGINE_ASSET_VIEW_UNSPECIFIED": 1000, "FULL": 1000, "BASIC": 10_000}
"""The views, and the most assets of a page in each. Source: REST reference, EarthEngineAssetView."""


class Page(NamedTuple):
    """A part of a listing."""

    assets: list[EarthEngineAsset]
    next_page_token: str


class Query(NamedTuple):
    """What listAssets is asked for; the names are those of its parameters."""

    page_size: int = 0
    page_token: str = ""
    filter: str = ""
    view: str = ""


def asset_name(asset_id: str) -> str:
    """Return the name of an asset: the inverse of `canonical_id`, and what official clients send.

    Source: convert_asset_id_to_asset_name of earthengine-api.
    """
    first, _, rest = asset_id.partition("/")
    if first == "projects" and rest.partition("/")[2].startswith("assets/"):
        return asset_id
    return (LEGACY_PREFIX if first in ("users", "projects") else PUBLIC_PREFIX) + asset_id


def find_asset(catalog: AnyCatalog, name: str) -> EarthEngineAsset | None:
    """Return any asset: one that the catalog holds, or a collection or folder that its images imply.

    Args:
        catalog: The catalog.
        name: Name or id of the asset.

    Returns:
        The message, which must not be changed; None if there is no such asset.
    """
    asset = catalog.asset(name)
    if asset is not None:
        return asset
    asset_id = canonical_id(name)
    if catalog.collection(asset_id) is not None:
        kind = EarthEngineAsset.IMAGE_COLLECTION
    elif any(each.startswith(f"{asset_id}/") for each in catalog.collections()):
        kind = EarthEngineAsset.FOLDER
    else:
        return None
    return EarthEngineAsset(type=kind, id=asset_id, name=asset_name(asset_id))


def list_assets(catalog: AnyCatalog, parent: str, query: Query, max_page_size: int) -> Page | None:
    """Return a page of the assets in a folder or collection.

    Source: REST reference, projects.assets.listAssets: filters are applied to collections and ignored for folders.

    Args:
        catalog: The catalog.
        parent: Name of the folder or collection, or of a project, which stands for its top-level assets.
        query: Which of them.
        max_page_size: Most assets of a page, whatever the view allows.

    Returns:
        The page; None if there is nothing of that name, or it holds no assets.

    Raises:
        AlgorithmError: The filter is malformed.
        PageTokenError: The page token is of another listing.
    """
    listing = repr((parent, query.filter, query.view)).encode()
    start = read_token(query.page_token, listing) if query.page_token else 0
    test = parse_asset_filter(query.filter)
    records = catalog.collection(parent)
    children = _children(catalog, parent) if records is None else ()
    if children is None:
        return None
    most = min(max_page_size, VIEWS[query.view])
    end = start + min(query.page_size or most, most)
    if records is None:
        page, is_more = list(children[start:end]), len(children) > end
    elif not query.filter:
        page, is_more = [record.asset for record in records[start:end]], len(records) > end
    else:
        found = (record.asset for record in records if test(record))
        page = list(islice(found, start, end))
        is_more = next(found, None) is not None
    shown = [_basic(asset) for asset in page] if query.view == "BASIC" else page
    return Page(shown, write_token(end, listing) if is_more else "")


def _children(catalog: AnyCatalog, parent: str) -> list[EarthEngineAsset] | None:
    """Return what is directly in a folder; None if it is none."""
    inside = f"{parent}/" if "/assets" in parent else f"{parent}/assets/"
    names = (asset_name(each) for each in catalog.collections())
    below = sorted({inside + name[len(inside) :].partition("/")[0] for name in names if name.startswith(inside)})
    if not below:
        asset = catalog.asset(parent)
        is_project = inside == f"{parent}/assets/"
        return [] if is_project or (asset is not None and asset.type == EarthEngineAsset.FOLDER) else None
    return [asset for name in below if (asset := find_asset(catalog, name)) is not None]


def _basic(asset: EarthEngineAsset) -> EarthEngineAsset:
    """Return the fields that the view BASIC has."""
    record = AssetRecord(asset)
    return EarthEngineAsset(type=asset.type, name=asset.name or asset_name(record.id), id=record.id)
