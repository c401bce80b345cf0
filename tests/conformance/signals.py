"""`SendsSignals`: messages are proven before they are stored, and only hint."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.kit.manifest import Capability, Trait
from connectors.kit.signature import SignatureRefused
from domain.ids import Ref
from domain.ports import Hint, Incoming
from tests.conformance.stage import Message, Stage
from tests.conformance.suite import Conformance, needs

LONG = timedelta(minutes=20)
"""Beyond every vendor's tolerance."""
ODD = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'"text"',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"id": 7, "type": ["x"]}',
)


def refused(vendor: Stage, message: Message, **changes: object) -> str:
    """Why a message is not let in."""
    with pytest.raises(SignatureRefused) as why:
        vendor.verify(message, **changes)  # type: ignore[arg-type]
    return why.value.reason


def hints(vendor: Stage, messages: Sequence[Message]) -> list[Hint]:
    """What stored messages hint at."""
    connector = vendor.connector()
    stored = [one for message in messages for one in vendor.verify(message)]
    return [hint for one in stored for hint in connector.hints(one.body)]


class Signals(Conformance):
    """The vendor's own messages, as they really travel."""

    capability = Capability.SENDS_SIGNALS

    def test_a_genuine_message_is_let_in_under_a_key(self, vendor: Stage) -> None:
        [first, *_] = vendor.messages()
        stored = vendor.verify(first)
        assert {(one.source, one.problem) for one in stored} == {(vendor.vendor, None)}
        assert all(one.key and one.topic and one.body for one in stored)

    def test_a_wrong_secret_proves_nothing(self, vendor: Stage) -> None:
        [first, *_] = vendor.messages()
        assert refused(vendor, first, secrets=["another-secret"]) == "mismatch"

    def test_a_message_without_proof_is_refused(self, vendor: Stage) -> None:
        [first, *_] = vendor.messages()
        assert refused(vendor, replace(first, proof={})) == "missing"

    @pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
    def test_without_a_configured_secret_nothing_is_let_in(
        self, vendor: Stage, secrets: tuple[str, ...]
    ) -> None:
        [first, *_] = vendor.messages()
        assert refused(vendor, first, secrets=secrets) == "mismatch"

    def test_while_a_secret_is_replaced_both_prove_a_message(self, vendor: Stage) -> None:
        [first, *_] = vendor.messages()
        known = vendor.verify(first)
        for secrets in (("another", vendor.signing_secret), (vendor.signing_secret, "another")):
            assert vendor.verify(first, secrets=secrets) == known

    @needs(Trait.SIGNS_BODIES)
    def test_a_body_changed_by_one_byte_is_refused(self, vendor: Stage) -> None:
        [first, *_] = vendor.messages()
        for place in (0, len(first.body) // 2, len(first.body) - 1):
            changed = bytearray(first.body)
            changed[place] ^= 1
            assert refused(vendor, replace(first, body=bytes(changed))) == "mismatch"

    @needs(Trait.STAMPS_MESSAGES)
    def test_an_old_message_is_refused(self, vendor: Stage) -> None:
        [first, *_] = vendor.messages()
        assert refused(vendor, first, now=vendor.clock.now() + LONG) == "stale"

    @needs(Trait.STAMPS_MESSAGES)
    def test_a_message_from_the_future_is_refused(self, vendor: Stage) -> None:
        [first, *_] = vendor.messages()
        assert refused(vendor, first, now=vendor.clock.now() - LONG) == "future"

    @pytest.mark.req("R17", partly="one key for every copy; the inbox keeps it once")
    def test_every_copy_of_a_message_has_the_same_key(self, vendor: Stage) -> None:
        keys = [one.key for message in vendor.messages(copies=3) for one in vendor.verify(message)]
        assert {keys.count(key) for key in keys} == {3}

    @pytest.mark.req("R18", partly="hints carry no order; the judgement is proven in the domain")
    def test_messages_in_any_order_hint_at_the_same(self, vendor: Stage) -> None:
        sent = vendor.messages()
        there, back = hints(vendor, sent), hints(vendor, sent[::-1])
        assert there
        assert sorted(map(repr, there)) == sorted(map(repr, back))

    def test_a_message_hints_at_whoever_it_is_about(self, vendor: Stage) -> None:
        sent = vendor.messages()
        expected: set[Ref] = {vendor.edit()}
        assert {hint.ref for hint in hints(vendor, sent)} == expected

    def test_hinting_makes_no_call(self, vendor: Stage) -> None:
        sent = vendor.messages()
        vendor.faults.clear()
        before = vendor.requests()
        hints(vendor, sent)
        assert vendor.requests() == before

    @pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
    def test_an_odd_body_is_refused_or_kept_with_its_problem(
        self, vendor: Stage, body: bytes
    ) -> None:
        stored: Sequence[Incoming] = ()
        # VENDOR: where the proof stands inside the body, an odd body is one without proof.
        with contextlib.suppress(SignatureRefused):
            stored = vendor.verify(vendor.proven(body))
        assert [one for one in stored if one.problem is None] == []

    @pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
    def test_an_odd_stored_body_is_a_value_error_or_hints_at_nothing(
        self, vendor: Stage, body: bytes
    ) -> None:
        connector = vendor.connector()
        said: Sequence[Hint] = ()
        with contextlib.suppress(ValueError):
            said = connector.hints(body)
        assert list(said) == []
