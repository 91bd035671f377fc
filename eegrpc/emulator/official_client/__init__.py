"""What Google's official Python client (earthengine-api) needs of a server, so that it talks to the emulator unchanged.

    with Emulator() as emulator:
        emulator.initialize_ee()
        print(ee.ImageCollection("COPERNICUS/S2_SR_HARMONIZED").size().getInfo())

`methods` is the table of the REST methods, and the discovery document made of it; `api` answers them, without IO;
`assets` and `asset_filter` list the catalog; `http` is the aiohttp face, and
`initialize` sets up the client.
"""

from eegrpc.emulator.official_client.http import add_official_client
from eegrpc.emulator.official_client.initialize import initialize_ee

__all__ = ["add_official_client", "initialize_ee"]
