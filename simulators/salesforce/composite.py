"""`composite` and `composite/batch`: several calls in one, with references and one fate."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simulators.salesforce.calls import Call, Reply, not_allowed
from simulators.salesforce.errors import Refusal, missing_resource, rolled_back
from simulators.salesforce.org import Org

_MOST = 25
_MOST_HEAVY = 5
_REFERENCE = re.compile(r"@\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
Answer = Callable[[Call], Reply]


class Composite:
    """Runs subrequests through `answer`, the same function that serves single calls."""

    def __init__(self, org: Org, answer: Answer) -> None:
        self._org = org
        self._answer = answer

    def composite(self, call: Call) -> Reply:
        """`POST composite`: HTTP 200 even when subrequests fail; each carries its own status."""
        self._post(call)
        body = call.record()
        subs = self._subrequests(body)
        every = bool(body.get("allOrNone", False))
        order = self._order(subs) if body.get("collateSubrequests", True) else range(len(subs))
        replies: dict[str, Reply] = {}
        try:
            with self._org.transaction():
                for place in order:
                    sub = subs[place]
                    replies[sub["referenceId"]] = reply = self._one(call, sub, replies)
                    if every and reply.status >= 400:
                        raise _Undone
        except _Undone:
            replies = self._undone(subs, replies)
        return Reply(
            200,
            {
                "compositeResponse": [
                    {
                        "body": replies[sub["referenceId"]].body,
                        "httpHeaders": dict(replies[sub["referenceId"]].headers),
                        "httpStatusCode": replies[sub["referenceId"]].status,
                        "referenceId": sub["referenceId"],
                    }
                    for sub in subs
                ]
            },
        )

    def batch(self, call: Call) -> Reply:
        """`POST composite/batch`: independent calls, in order, optionally halting."""
        self._post(call)
        body = call.record()
        subs = body.get("batchRequests")
        if not isinstance(subs, list) or not subs or len(subs) > _MOST:
            raise _too_many("batch subrequests", len(subs) if isinstance(subs, list) else 0, _MOST)
        results: list[dict[str, Any]] = []
        halted = False
        for sub in subs:
            if halted:
                text = "A previous subrequest failed and haltOnError is set."
                reply = Reply(412, Refusal(412, "BATCH_PROCESSING_HALTED", text).alone())
            else:
                url = "/services/data/" + str(sub.get("url", "")).removeprefix("/services/data/")
                raw = {"method": sub.get("method"), "url": url, "body": sub.get("richInput")}
                reply = self._safely(call, raw)
                halted = bool(body.get("haltOnError")) and reply.status >= 400
            results.append({"statusCode": reply.status, "result": reply.body})
        failed = any(one["statusCode"] >= 400 for one in results)
        return Reply(200, {"hasErrors": failed, "results": results})

    def _subrequests(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        subs = body.get("compositeRequest")
        if not isinstance(subs, list) or not subs:
            raise Refusal(400, "JSON_PARSER_ERROR", "compositeRequest must be a non-empty array")
        if len(subs) > _MOST:
            raise _too_many("subrequests", len(subs), _MOST)
        heavy = sum(1 for sub in subs if _is_heavy(str(sub.get("url", ""))))
        if heavy > _MOST_HEAVY:
            raise _too_many("query and collection subrequests", heavy, _MOST_HEAVY)
        seen: set[str] = set()
        for sub in subs:
            name = sub.get("referenceId")
            if not isinstance(name, str) or not _NAME.fullmatch(name) or name in seen:
                text = f"referenceId must be unique and of letters, digits and _: {name}"
                raise Refusal(400, "INVALID_REQUEST", text)
            seen.add(name)
        return subs

    def _order(self, subs: list[dict[str, Any]]) -> list[int]:
        """Independent subrequests of one method and object move together, as collating does."""
        left = list(range(len(subs)))
        done: set[str] = set()
        order: list[int] = []
        while left:
            lead = next((p for p in left if self._needs(subs[p]) <= done), left[0])
            kind = _kind(subs[lead])
            ready = [p for p in left if _kind(subs[p]) == kind and self._needs(subs[p]) <= done]
            for place in ready or [lead]:
                order.append(place)
                left.remove(place)
                done.add(subs[place]["referenceId"])
        return order

    def _needs(self, sub: dict[str, Any]) -> set[str]:
        found = _REFERENCE.findall(repr((sub.get("url"), sub.get("body"))))
        return {re.split(r"[.\[]", name)[0] for name in found}

    def _one(self, call: Call, sub: dict[str, Any], replies: dict[str, Reply]) -> Reply:
        try:
            url = _filled(str(sub.get("url", "")), replies)
            body = _filled(sub.get("body"), replies)
        except Refusal as refusal:
            return Reply(refusal.status, refusal.alone())
        return self._safely(call, {**sub, "url": url, "body": body})

    def _safely(self, call: Call, sub: dict[str, Any]) -> Reply:
        try:
            with self._org.transaction():
                return self._answer(_subcall(call, sub))
        except Refusal as refusal:
            return Reply(refusal.status, refusal.alone())

    def _undone(self, subs: list[dict[str, Any]], replies: dict[str, Reply]) -> dict[str, Reply]:
        halted = rolled_back()
        made = {}
        for sub in subs:
            reply = replies.get(sub["referenceId"])
            failed = reply is not None and reply.status >= 400
            made[sub["referenceId"]] = (
                reply if reply is not None and failed else Reply(halted.status, halted.alone())
            )
        return made

    @staticmethod
    def _post(call: Call) -> None:
        if call.method != "POST":
            raise not_allowed(call.method, "POST")
        if call.depth:
            raise Refusal(400, "INVALID_REQUEST", "a composite request cannot hold another")


class _Undone(Exception):
    pass


def _subcall(call: Call, sub: dict[str, Any]) -> Call:
    split = urlsplit(str(sub.get("url", "")))
    found = re.fullmatch(r"/services/data/v(\d+\.\d)/(.+)", split.path)
    if not found:
        raise missing_resource()
    headers = {str(k).lower(): str(v) for k, v in (sub.get("httpHeaders") or {}).items()}
    return replace(
        call,
        method=str(sub.get("method", "")).upper(),
        version=found.group(1),
        rest=found.group(2).rstrip("/"),
        query=dict(parse_qsl(split.query, keep_blank_values=True)),
        headers=headers,
        body=sub.get("body"),
        depth=call.depth + 1,
    )


def _is_heavy(url: str) -> bool:
    return bool(re.search(r"/v\d+\.\d/(query|queryAll|composite/sobjects)([/?]|$)", url))


def _kind(sub: dict[str, Any]) -> tuple[str, str]:
    found = re.search(r"/sobjects/(\w+)", str(sub.get("url", "")))
    return str(sub.get("method")), found.group(1) if found else str(sub.get("url"))


def _filled(value: Any, replies: dict[str, Reply]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: str(_worth(found.group(1), replies)), value)
    if isinstance(value, list):
        return [_filled(one, replies) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, replies) for name, one in value.items()}
    return value


def _worth(path: str, replies: dict[str, Reply]) -> Any:
    name, *steps = [part for part in re.split(r"[.\[\]]", path) if part]
    reply = replies.get(name)
    here = None if reply is None or reply.status >= 400 else reply.body
    for step in steps:
        if isinstance(here, list) and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
        elif isinstance(here, dict):
            here = here.get(step)
        else:
            here = None
    if here is None or isinstance(here, dict | list):
        text = f"Invalid reference specified. No value for {path} found in {name}"
        raise Refusal(400, "PROCESSING_HALTED", text)
    return here


def _too_many(what: str, count: int, most: int) -> Refusal:
    return Refusal(400, "LIMIT_EXCEEDED", f"Limit exceeded: {count} {what}, the most is {most}")
