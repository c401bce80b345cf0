"""The demo: failed payments, played against simulated vendors with everything of ours real."""

from ops.demo.play import STORIES, play

__all__ = ["STORIES", "play"]
