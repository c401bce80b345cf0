"""`ListsChanges`: polling loses nothing, repeats harmlessly, and knows its own writes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.kit.manifest import Capability
from domain.errors import KidgloveError
from tests.conformance.stage import Stage
from tests.conformance.suite import Conformance
from tests.conformance.watching import Poller, refs

MINUTE = timedelta(minutes=1)
"""A listing may end at the present moment, and what happens in it belongs to the next one."""


class Listing(Conformance):
    """Changes since a cursor."""

    capability = Capability.LISTS_CHANGES

    def test_a_change_is_news_once(self, vendor: Stage) -> None:
        poller = Poller(vendor)
        poller.poll()
        vendor.clock.advance(MINUTE)
        changed = vendor.edit()
        vendor.clock.advance(vendor.soon)
        assert refs(poller.poll()) == {changed}
        assert poller.poll() == []

    @pytest.mark.req("R23", partly="nothing that the vendor still lists is lost")
    def test_the_overlap_of_two_rounds_loses_nothing(self, vendor: Stage) -> None:
        poller = Poller(vendor)
        poller.poll(skew=2 * MINUTE)
        vendor.clock.advance(MINUTE)
        changed = vendor.edit()
        vendor.clock.advance(2 * MINUTE)
        assert changed in refs(poller.poll())

    @pytest.mark.req("R23", partly="nothing that the vendor still lists is lost")
    def test_paging_that_shifts_under_the_reader_loses_nothing(self, vendor: Stage) -> None:
        everyone = vendor.crowd()
        vendor.clock.advance(vendor.soon)
        poller = Poller(vendor)
        found, is_last = poller.page()
        assert not is_last
        read = sorted(refs(found) & everyone)
        unread = sorted(everyone - refs(found))
        vendor.touch([*read[:2], *unread[:2]])
        vendor.clock.advance(MINUTE)
        found += poller.poll()
        found += poller.poll()
        assert refs(found) >= everyone
        assert {hint.ref for hint in found}.issuperset(read[:2])

    def test_a_round_survives_a_restart_between_its_pages(self, vendor: Stage) -> None:
        everyone = vendor.crowd()
        vendor.clock.advance(vendor.soon)
        before = Poller(vendor)
        found, _ = before.page()
        after = Poller(vendor)
        after.cursor = before.cursor
        assert refs([*found, *after.poll()]) >= everyone

    def test_a_cursor_that_is_not_ours_is_refused(self, vendor: Stage) -> None:
        Poller(vendor).poll()
        connector = vendor.connector()
        for cursor in ("x", "{}", '{"since": "soon"}'):
            with pytest.raises((KidgloveError, ValueError)):
                connector.changes(cursor, now=vendor.clock.now())

    @pytest.mark.req("R19", partly="what tells the echo apart; the store compares it")
    def test_our_own_write_is_known_when_it_comes_back(self, vendor: Stage) -> None:
        vendor.clock.advance(vendor.soon)
        poller = Poller(vendor)
        poller.news(())
        vendor.clock.advance(MINUTE)
        vendor.own_edit(vendor.connector(), "key-1")
        vendor.clock.advance(vendor.soon)
        assert poller.news(["key-1"]) == []
        vendor.clock.advance(MINUTE)
        changed = vendor.edit()
        vendor.clock.advance(vendor.soon)
        assert refs(poller.news(["key-1"])) == {changed}
