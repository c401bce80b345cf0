"""What makes two records look like one company."""

from __future__ import annotations

import pytest

from domain.ids import Ref
from domain.likeness import mail_domain, plain_name, site_domain
from domain.suggestions import MOST, Candidate, Wanted, best, candidate

REF = Ref("crm", "account", "1")


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Aurelius Partners, Inc.", "aurelius partners"),
        ("AURELIUS-PARTNERS GmbH & Co. KG", "aurelius partners"),
        ("The Aurelius Partners", "aurelius partners"),
        ("O'Neill L.L.C.", "oneill"),
        ("Søn & Čapek", "søn čapek"),
        ("Inc.", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_is_compared_without_case_punctuation_and_legal_form(
    written: str | None, plain: str
) -> None:
    assert plain_name(written) == plain


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ap@Acme.example", "acme.example"),
        ("ap@billing.acme.example", "billing.acme.example"),
        ("ann@gmail.com", None),
        ("nobody", None),
        ("ap@localhost", None),
        (None, None),
    ],
)
def test_a_mail_domain_of_everybody_says_nothing(address: str | None, domain: str | None) -> None:
    assert mail_domain(address) == domain


@pytest.mark.parametrize(
    ("site", "domain"),
    [
        ("https://www.acme.example/about?x=1", "acme.example"),
        ("ACME.example", "acme.example"),
        ("http://acme.example:8080", "acme.example"),
        ("none", None),
        ("", None),
        (None, None),
    ],
)
def test_a_website_has_one_domain_however_it_is_written(
    site: str | None, domain: str | None
) -> None:
    assert site_domain(site) == domain


@pytest.mark.parametrize(
    ("site", "is_like"),
    [
        ("acme.example", True),
        ("https://billing.acme.example", True),
        ("other.acme.example", False),
        ("example", False),
        ("notacme.example", False),
    ],
)
def test_a_website_under_the_mails_domain_is_like_it(site: str, is_like: bool) -> None:
    wanted = Wanted.of("cus_1", name="", mail="ap@billing.acme.example")
    assert (candidate(wanted, REF, name="", site=site) is not None) == is_like


def test_two_records_without_a_name_are_not_alike() -> None:
    wanted = Wanted.of("cus_1", name=None, mail=None)
    assert candidate(wanted, REF, name="", site=None) is None


def test_the_same_domain_comes_first_and_a_long_list_is_cut() -> None:
    named = [
        Candidate(ref=Ref("crm", "account", str(id)), name="A", reason="its name 'A' is like")
        for id in range(MOST + 3)
    ]
    same = Candidate(ref=Ref("crm", "account", "9"), name="B", reason="its website is at a.example")

    found = best([*named, same, same])

    assert (found[0], len(found)) == (same, MOST)
