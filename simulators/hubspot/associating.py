"""How records are linked and unlinked, and what that moves on a company."""

from __future__ import annotations

from collections.abc import Collection

from simulators.hubspot.errors import Refusal, invalid, not_found
from simulators.hubspot.linking import End, LinkType
from simulators.hubspot.portal import Change, Portal, Record
from simulators.hubspot.writing import ACTIVITIES, Work, Writing

_BELONGS = ("contacts", "companies")
_TOUCHES = ("calls", "emails", "meetings")


class Associating:
    """Every link goes through here, whoever makes it."""

    def __init__(self, portal: Portal, writing: Writing) -> None:
        self._portal = portal
        self._writing = writing

    def known(self, source: str, target: str, id: int) -> LinkType:
        """An association type of a pair; 400 when the pair has no such type."""
        found = self._portal.links.types.get((source, target), {}).get(id)
        if found is None:
            raise invalid(f"association type {id} is not valid from {source} to {target}")
        return found

    def default(self, source: str, target: str) -> LinkType:
        """The unlabelled type of a pair; 400 when the pair cannot be linked."""
        found = self._portal.links.plain(source, target)
        if found is None:
            raise invalid(f"{source} cannot be associated with {target}")
        return found

    def link(self, source: End, target: End, ids: Collection[int], work: Work) -> frozenset[int]:
        """Make `ids` the labels of a pair, beside the unlabelled type that is always there.

        The first company of a contact, deal or ticket becomes its primary one; a new primary
        company takes that mark from the one before. Returns the pair's type ids afterwards.
        """
        links = self._portal.links
        source, target = self._end(source), self._end(target)
        primary = links.primary(source[0], target[0])
        wanted = {self.default(source[0], target[0]).id, *ids}
        child, parent = (target, source) if source[0] == "companies" else (source, target)
        mark = links.primary(child[0], parent[0])
        if primary is not None and mark is not None:
            other = self._primary_of(child)
            if other is None or other == parent:
                wanted.add(primary.id)
            elif primary.id in wanted:
                self._set(child, other, links.between(child, other) - {mark.id}, work)
        self._set(source, target, frozenset(wanted), work)
        self._touch(source, target, work)
        return links.between(source, target)

    def unlink(self, source: End, target: End, work: Work) -> None:
        """Take a pair apart, with all its labels; nothing happens if it was not linked."""
        self._set(self._end(source), self._end(target), frozenset(), work)

    def drop_labels(self, source: End, target: End, ids: Collection[int], work: Work) -> None:
        """Take labels away; taking the unlabelled type away takes the pair apart."""
        source, target = self._end(source), self._end(target)
        kept = self._portal.links.between(source, target) - set(ids)
        plain = self.default(source[0], target[0])
        self._set(source, target, kept if plain.id in kept else frozenset(), work)

    def follow(self, record: Record, work: Work) -> None:
        """Tell the companies of an activity that it has changed."""
        if record.type in ACTIVITIES:
            for target in self._portal.links.of(record.end, "companies"):
                self._touch(record.end, target, work)

    def _primary_of(self, child: End) -> End | None:
        mark = self._portal.links.primary(child[0], "companies")
        held = self._portal.links.of(child, "companies").items()
        return next((end for end, ids in held if mark is not None and mark.id in ids), None)

    def _end(self, end: End) -> End:
        record = self._portal.get(*end)
        if record is None:
            raise not_found(f"No {end[0]} object with id {end[1]} exists")
        return record.end

    def _set(self, source: End, target: End, ids: frozenset[int], work: Work) -> None:
        portal = self._portal
        before = portal.links.between(source, target)
        if ids == before:
            return
        portal.set_links(source, target, set(ids))
        known = portal.links.types[source[0], target[0]]
        for id in sorted(before ^ ids):
            about = {
                "fromObjectId": source[1],
                "toObjectId": target[1],
                "fromType": source[0],
                "toType": target[0],
                "typeId": id,
                "reverseId": known[id].reverse,
                "associationRemoved": id in before,
                "isPrimaryAssociation": known[id].primary,
            }
            portal.tell(
                Change(
                    "associationChange",
                    source[0],
                    source[1],
                    portal.now(),
                    work.source,
                    about=about,
                )
            )
        self._count(source, target, work)

    def _count(self, source: End, target: End, work: Work) -> None:
        for one, other in ((source, target), (target, source)):
            contact = self._portal.get(*one) if (one[0], other[0]) == _BELONGS else None
            if contact is not None:
                primary = self._primary_of(one)
                belongs = {"associatedcompanyid": "" if primary is None else primary[1]}
                self._writing.stamp(contact, belongs, work.source)
            if one[0] != "companies" or other[0] not in ("contacts", "deals"):
                continue
            record = self._portal.get(*one)
            if record is not None:
                name = f"num_associated_{other[0]}"
                number = str(len(self._portal.links.of(one, other[0])))
                self._writing.stamp(record, {name: number}, work.source)

    def _touch(self, source: End, target: End, work: Work) -> None:
        # VENDOR: any logged activity moves the company's modified stamp, tasks and notes of ours
        # too; only a call, an e-mail or a meeting counts as contact.
        pairs = {source[0]: source, target[0]: target}
        name = next((name for name in ACTIVITIES if name in pairs), None)
        if name is None or "companies" not in pairs:
            return
        activity, company = self._portal.get(*pairs[name]), self._portal.get(*pairs["companies"])
        if activity is None or company is None:
            return
        moment = activity.values.get("hs_timestamp", "")
        moved = {"notes_last_updated": moment, "hs_last_sales_activity_timestamp": moment}
        if name in _TOUCHES:
            moved["notes_last_contacted"] = max(
                moment, company.values.get("notes_last_contacted", "")
            )
        self._writing.stamp(company, moved, work.source)


def not_linked(source: End, target: str) -> Refusal:
    """What a batch read says of a record without links of that kind."""
    return Refusal(
        404,
        "OBJECT_NOT_FOUND",
        f"No {target} is associated with {source[0]} {source[1]}.",
        about={
            "fromObjectId": [source[1]],
            "fromObjectType": [source[0]],
            "toObjectType": [target],
        },
    )
