"""A gRPC-native client for Earth Engine's computeImages, and channels that fall back to REST behind the same stub.

    with eegrpc.EarthEngineClient(project="my-project") as client:
        for image in client.compute_images(expression):
            print(image.name)

Importing this package does no IO and brings no HTTP library.
"""

from eegrpc import errors, v1alpha
from eegrpc._aio_channel import create_aio_channel
from eegrpc._async_client import ComputeImagesAsyncPager, EarthEngineAsyncClient
from eegrpc._channel import create_channel
from eegrpc._client import ComputeImagesPager, EarthEngineClient
from eegrpc._options import DEFAULT_ENDPOINT, HIGH_VOLUME_ENDPOINT
from eegrpc._retry import RetryPolicy
from eegrpc._version import VERSION

__version__ = VERSION

__all__ = [
    "DEFAULT_ENDPOINT",
    "HIGH_VOLUME_ENDPOINT",
    "ComputeImagesAsyncPager",
    "ComputeImagesPager",
    "EarthEngineAsyncClient",
    "EarthEngineClient",
    "RetryPolicy",
    "__version__",
    "create_aio_channel",
    "create_channel",
    "errors",
    "v1alpha",
]
