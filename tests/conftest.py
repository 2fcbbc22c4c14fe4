"""One torch thread a test worker; two busy ones are slower than one."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# What happens to be installed changes no test.
os.environ["ARCHKIT_DISABLE_PLUGINS"] = "all"

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "archkit", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("archkit")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    import sys

    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
