"""The API version that this connector speaks."""

from __future__ import annotations

API_VERSION = "2026-10-28.endive"
"""Pinned with the SDK's own pin; the webhook endpoint must be created with the same."""
