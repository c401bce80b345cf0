"""Logs as events in JSON lines, with secrets and people's data taken out."""

from __future__ import annotations

import logging
import sys

import structlog

from connectors.kit.redaction import redact_event


def configure_logging(level: str = "INFO") -> None:
    """One JSON object per event on standard error. A second call replaces the first."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact_event,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        # Asked for anew at each event: whoever replaces standard error gets what is said after it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
