"""Accounts with a failed payment, and what their living task says, for tests of the task."""

from __future__ import annotations

from domain.facts import Role
from domain.living_text import HEADING
from tests.unit.desk import FELIX, INES, Desk, failed


def vip() -> Desk:
    return Desk(mrr="14200").fails()


def high() -> Desk:
    """Without a CSM the thousand a month decides: automation goes on beside, one working day."""
    return Desk(people={Role.OWNER: FELIX, Role.MANAGER: INES}).fails()


def line(desk: Desk, label: str) -> str:
    """One line of the first screen."""
    lines = desk.task.description.splitlines()
    return next(one for one in lines if one.startswith(f"{label}: "))


def another_fails(desk: Desk, number: int = 2) -> None:
    """Something that makes us write the task anew."""
    desk.invoices.append(failed(desk.now, id=f"in_{number}", amount="300"))


def noted(desk: Desk) -> list[str]:
    """What stands below the heading of what people wrote."""
    _, found, below = desk.task.description.partition(f"{HEADING}\n")
    return below.splitlines() if found else []
