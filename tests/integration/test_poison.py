"""Poison on every topic: nobody stops, everybody who consumes it keeps it, and good messages after it are handled."""

import json
import uuid
from typing import Any

import pytest
import yaml

from integration.house import House, Month, Row
from kam.embedded.topics import SCHEMAS

pytestmark = pytest.mark.embedded

TOPICS = [yaml.safe_load(path.read_text()) for path in sorted(SCHEMAS.glob("*.yaml"))]
"""Every topic of the contracts, with ``dead_letter_for``: the apps that must keep what they can't handle."""
