"""Chatter posts: how a note or an @mention reaches a person at once."""

from __future__ import annotations

from typing import Any

from simulators.salesforce.calls import Call, Reply, not_allowed
from simulators.salesforce.errors import Refusal
from simulators.salesforce.ids import full_id
from simulators.salesforce.org import Org
from simulators.salesforce.values import show_moment

_MOST_MENTIONS = 25
_LONGEST = 10_000


class Chatter:
    """`POST chatter/feed-elements`; `enabled` False is an org without Chatter."""

    def __init__(self, org: Org) -> None:
        self.enabled = True
        self._org = org

    def answer(self, call: Call) -> Reply:
        """Post one feed element."""
        if not self.enabled:
            text = "Chatter is not enabled for this organization or user type"
            raise Refusal(403, "FUNCTIONALITY_NOT_ENABLED", text)
        if call.method != "POST":
            raise not_allowed(call.method, "POST")
        body = call.record()
        subject = full_id(body.get("subjectId"))
        if subject is None or self._org.get(subject) is None:
            raise Refusal(404, "NOT_FOUND", f"Record not found: {body.get('subjectId')}")
        if body.get("feedElementType") != "FeedItem":
            raise Refusal(400, "POST_BODY_PARSE_ERROR", "feedElementType must be FeedItem")
        segments = (body.get("body") or {}).get("messageSegments")
        if not isinstance(segments, list) or not segments:
            raise Refusal(400, "POST_BODY_PARSE_ERROR", "messageSegments must not be empty")
        text = "".join(self._said(segment) for segment in segments)
        mentions = [full_id(s.get("id")) for s in segments if s.get("type") == "Mention"]
        if len(mentions) > _MOST_MENTIONS:
            raise Refusal(400, "LIMIT_EXCEEDED", "a post mentions at most 25 people")
        if len(text) > _LONGEST:
            raise Refusal(400, "STRING_TOO_LONG", f"a post has at most {_LONGEST} characters")
        item = {
            "Id": self._org.mint.next("0D5"),
            "ParentId": subject,
            "CreatedById": call.work.user,
            "CreatedDate": self._org.now(),
            "Body": text,
            "Mentions": mentions,
        }
        self._org.feed.append(item)
        return Reply(201, self._shown(item))

    def _said(self, segment: dict[str, Any]) -> str:
        if segment.get("type") == "Text":
            return str(segment.get("text", ""))
        if segment.get("type") != "Mention":
            raise Refusal(400, "POST_BODY_PARSE_ERROR", f"unknown segment {segment.get('type')}")
        user = full_id(segment.get("id"))
        row = None if user is None else self._org.live["User"].get(user)
        if row is None:
            raise Refusal(404, "INVALID_ID_FIELD", f"cannot mention {segment.get('id')}")
        return "@" + " ".join(p for p in (row.get("FirstName"), row.get("LastName")) if p)

    @staticmethod
    def _shown(item: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": item["Id"],
            "feedElementType": "FeedItem",
            "parent": {"id": item["ParentId"]},
            "actor": {"id": item["CreatedById"]},
            "createdDate": show_moment(item["CreatedDate"]).replace("+0000", "Z"),
            "body": {"text": item["Body"]},
        }
