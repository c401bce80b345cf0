"""Owners, pipelines, and what the account says of itself."""

from __future__ import annotations

from typing import Any

from simulators.hubspot.access import require
from simulators.hubspot.calls import Call, Reply
from simulators.hubspot.errors import invalid, no_such_path, not_found
from simulators.hubspot.limits import Limits
from simulators.hubspot.portal import Owner, Pipeline, Portal
from simulators.hubspot.schema import iso


class DirectoryApi:
    """Answers for `/crm/owners`, `/crm/pipelines` and `/account-info`."""

    def __init__(self, portal: Portal, limits: Limits, account_type: str) -> None:
        self.account_type = account_type
        self._portal = portal
        self._limits = limits

    def owners(self, call: Call) -> Reply:
        """A page of owners, or one by owner id or by user id."""
        call.only("GET")
        require(call.grant, ("crm.objects.owners.read",))
        gone = call.flag("archived")
        match call.parts:
            case ():
                return Reply(200, self._page(call, gone))
            case (id,):
                by_user = call.query.get("idProperty") == "userId"
                for one in self._portal.owners.values():
                    if (str(one.user_id) if by_user else one.id) == id and one.active != gone:
                        return Reply(200, self._owner(one))
                raise not_found(f"Owner {id} does not exist")
            case _:
                raise no_such_path()

    def pipelines(self, call: Call) -> Reply:
        """The pipelines of an object type, one of them, or its stages."""
        call.only("GET")
        one = self._portal.type_of(call.parts[0]) if call.parts else None
        if one is None:
            raise not_found("Unable to infer object type")
        require(call.grant, one.reads)
        found = self._portal.pipelines.get(one.name, {})
        match call.parts[1:]:
            case ():
                return Reply(200, {"results": [self._pipeline(each) for each in found.values()]})
            case (id, *rest) if id in found:
                shown = self._pipeline(found[id])
                if not rest:
                    return Reply(200, shown)
                if rest == ["stages"]:
                    return Reply(200, {"results": shown["stages"]})
                stage = [each for each in shown["stages"] if rest == ["stages", each["id"]]]
                if stage:
                    return Reply(200, stage[0])
                raise not_found("Stage does not exist")
            case _:
                raise not_found("Pipeline does not exist")

    def account(self, call: Call) -> Reply:
        """Which account this is, and how much of the day's allowance is gone."""
        call.only("GET")
        now = self._portal.now()
        match call.parts:
            case ("details",):
                offset = now.astimezone(self._portal.zone).strftime("%z")
                behind = int(offset[:3]) * 60 + int(offset[0] + offset[3:])
                return Reply(
                    200,
                    {
                        "portalId": self._portal.portal_id,
                        "accountType": self.account_type,
                        "timeZone": str(self._portal.zone),
                        "companyCurrency": "USD",
                        "additionalCurrencies": ["EUR"],
                        "utcOffset": f"{offset[:3]}:{offset[3:]}",
                        "utcOffsetMilliseconds": behind * 60_000,
                        "uiDomain": "app.hubspot.com",
                        "dataHostingLocation": "na1",
                    },
                )
            case ("api-usage", "daily", "private-apps"):
                usage = {
                    "name": "private-apps-api-calls-daily",
                    "usageLimit": self._limits.daily,
                    "currentUsage": self._limits.used_today(),
                    "collectedAt": iso(now),
                    "fetchStatus": "SUCCESS",
                    "resetsAt": iso(self._portal.midnight()),
                }
                return Reply(200, {"results": [usage]})
            case _:
                raise no_such_path()

    def _page(self, call: Call, gone: bool) -> dict[str, Any]:
        most = call.limit(100, 500)
        after = call.query.get("after", "0")
        if not after.isdigit():
            raise invalid("Invalid after")
        mail = call.query.get("email", "").lower()
        found = sorted(
            (
                one
                for one in self._portal.owners.values()
                if one.active != gone
                and int(one.id) > int(after)
                and mail in ("", one.email.lower())
            ),
            key=lambda one: int(one.id),
        )
        page: dict[str, Any] = {"results": [self._owner(one) for one in found[:most]]}
        if len(found) > most:
            last = found[most - 1].id
            page["paging"] = {"next": {"after": last, "link": f"?after={last}"}}
        return page

    def _owner(self, one: Owner) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": one.id,
            "email": one.email,
            "type": "PERSON",
            "firstName": one.first,
            "lastName": one.last,
            # VENDOR: a deactivated user's owner is archived and has no user id any more.
            "userId": one.user_id if one.active else None,
            "userIdIncludingInactive": one.user_id,
            "createdAt": iso(one.created),
            "updatedAt": iso(one.updated),
            "archived": not one.active,
        }
        if one.teams:
            shown["teams"] = [
                {"id": self._portal.teams[name], "name": name, "primary": place == 0}
                for place, name in enumerate(one.teams)
            ]
        return shown

    def _pipeline(self, one: Pipeline) -> dict[str, Any]:
        born = iso(self._portal.born)
        stamps = {"createdAt": born, "updatedAt": born, "archived": False}
        return {
            "id": one.id,
            "label": one.label,
            "displayOrder": 0,
            **stamps,
            "stages": [
                {
                    "id": stage.id,
                    "label": stage.label,
                    "displayOrder": place,
                    "metadata": dict(stage.metadata),
                    "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                    **stamps,
                }
                for place, stage in enumerate(one.stages)
            ],
        }
