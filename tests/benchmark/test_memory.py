"""How much memory collecting a file takes: the same for a large one as for a small one.

The process is one of its own, so that its peak is that of collecting alone. `make test` looks at
files of some megabytes; TOLLHOUSE_BIG_FILE_MB=2000 at the size that the bound is said of.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from charging_values import encode_tree
from test_network_speed import framed_session, header_of
from usage_home import ROOT, make_home

from orchestration.settings import Settings

pytestmark = pytest.mark.heavy
