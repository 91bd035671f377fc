"""What all tests share."""

from __future__ import annotations

import pytest

# Assertions in these are the suite's; pytest explains them only if it is told before they are imported.
pytest.register_assert_rewrite("aio_channel_suite", "channel_suite", "channel_world", "peers", "servers")
