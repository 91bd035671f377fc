"""How fast the message mapper is, and how little memory it takes, against its peers: ``python -m benchmarks.mapper``.

Peers that are not installed are left out, and named in the output. To have them all:

    pip install orjson msgspec protobuf-py
"""
