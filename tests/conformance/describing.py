"""`Describes`: an administrator is told beforehand what the CRM's fields take."""

from __future__ import annotations

from connectors.kit.manifest import Capability
from domain.described import FieldKind
from tests.conformance.stage import CrmStage
from tests.conformance.suite import Conformance


class Describing(Conformance):
    """The fields of an account."""

    capability = Capability.DESCRIBES

    def test_fields_are_told_with_what_they_take(self, vendor: CrmStage) -> None:
        said = vendor.connector().describe_fields(vendor.account_object)
        text, amount = said[vendor.text_field], said[vendor.amount_field]
        hold = said[vendor.hold_field]
        assert (text.kind, text.is_writable) == (FieldKind.TEXT, True)
        assert (amount.kind, amount.is_writable) == (FieldKind.NUMBER, True)
        assert (hold.kind, vendor.hold_word in hold.choices) == (FieldKind.CHOICE, True)
        assert [name for name, one in said.items() if one.name != name] == []

    def test_a_field_that_is_not_there_is_not_told(self, vendor: CrmStage) -> None:
        assert "no_such_field_anywhere__c" not in vendor.connector().describe_fields(
            vendor.account_object
        )

    def test_describing_changes_nothing(self, vendor: CrmStage) -> None:
        before = vendor.world()
        connector = vendor.connector()
        assert connector.describe_fields(vendor.account_object) == connector.describe_fields(
            vendor.account_object
        )
        assert vendor.world() == before
