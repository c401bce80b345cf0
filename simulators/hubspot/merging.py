"""Merging two records into one: who survives, under which id, and what it takes along."""

from __future__ import annotations

from simulators.hubspot.portal import Change, Portal, Record, Version
from simulators.hubspot.schema import iso
from simulators.hubspot.writing import Work


class Merging:
    """Merges two records of a kind. `new_ids` False lets the winner keep its id."""

    def __init__(self, portal: Portal) -> None:
        self.new_ids = True
        self._portal = portal

    def merge(self, winner: Record, loser: Record, work: Work) -> Record:
        """One record with the winner's values, and the loser's where the winner has none.

        The survivor has a new id, and both old ids lead to it. Links of both move over. A unique
        property holds one value only: the winner's, if it has one.
        """
        portal = self._portal
        one = portal.types[winner.type]
        now = portal.now()
        values = {name: text for name, text in loser.values.items() if text} | {
            name: text for name, text in winner.values.items() if text
        }
        id = portal.mint() if self.new_ids else winner.id
        merged = [
            *filter(None, winner.values.get("hs_merged_object_ids", "").split(";")),
            *filter(None, loser.values.get("hs_merged_object_ids", "").split(";")),
            *([winner.id] if self.new_ids else []),
            loser.id,
        ]
        moved = [
            name
            for name, text in loser.values.items()
            if text and not winner.values.get(name) and not one.properties[name].read_only
        ]
        values |= {
            "hs_object_id": id,
            "hs_merged_object_ids": ";".join(merged),
            one.created: iso(min(winner.created, loser.created)),
            one.modified: iso(now),
        }
        history = dict(winner.history)
        for name in (*moved, "hs_merged_object_ids", one.modified):
            said = Version(values[name], now, work.source)
            history[name] = (said, *winner.history.get(name, ()))
        ends = {end for end in (winner.end, loser.end) if end != (winner.type, id)}
        links = [(end, portal.links.of(end)) for end in (winner.end, loser.end)]
        for end, held in links:
            for target in held:
                portal.set_links(end, target, set())
        for old in (loser, winner):
            if old.end in ends:
                portal.forget(old, id)
        survivor = Record(winner.type, id, values, history, min(winner.created, loser.created), now)
        portal.put(survivor)
        for _, held in links:
            for target, ids in held.items():
                marks = {mark for mark in ids if not self._second_primary(survivor, target, mark)}
                both = marks | portal.links.between(survivor.end, target)
                portal.set_links(survivor.end, target, both)
        about = {
            "primaryObjectId": int(winner.id),
            "mergedObjectIds": [int(loser.id)],
            "newObjectId": int(id),
            "numberOfPropertiesMoved": len(moved),
        }
        portal.tell(Change("merge", winner.type, id, now, work.source, about=about))
        return portal.records[winner.type][id]

    def _second_primary(self, record: Record, target: tuple[str, str], mark: int) -> bool:
        if target[0] != "companies":
            return False
        primary = self._portal.links.primary(record.type, "companies")
        held = self._portal.links.of(record.end, "companies").values()
        return primary is not None and mark == primary.id and any(mark in ids for ids in held)
