"""The port through which pictures become plain JSON for the store."""

from __future__ import annotations

from typing import Any, Protocol

from domain.facts import CrmPicture, PaymentPicture


class PictureCodec(Protocol):
    """Turns a picture into plain JSON values."""

    def dump(self, picture: PaymentPicture | CrmPicture) -> Any:
        """Plain JSON values of the picture."""
        ...
