"""The pages of a mapping: read by everybody, edited by admins, without a mouse and without harm."""

from __future__ import annotations

import pytest

from console.row_form import WINNERS
from domain.merge import Flow
from jobs.versions import in_force
from mappings.mapping_file import default_mapping, default_mapping_text, load_mapping
from mappings.mapping_words import rule_sentence
from mappings.vocabulary import Winner
from tests.console.keyboard import follow, press, stops, unreachable
from tests.console.people import BEA, OTTO, entered, with_people
from tests.console.visitor import Page, Visitor
from tests.world import World, build

AT = "/mappings/salesforce"
STATUS = f"{AT}/rows/Payment_Status__c"
SHIPPED = default_mapping_text("salesforce")


@pytest.fixture
def world(staffed: World) -> World:
    """A VIP whose payment has failed, and people with tokens of their own."""
    return staffed


def fields(page: Page) -> list[str]:
    """The CRM's fields in the table."""
    return page.texts("//table[contains(@class, 'rows')]//tbody/tr/th/a")


def draft(world: World, name: str = "Ann") -> str | None:
    """The text of somebody's draft."""
    with world.runtime.store.begin() as tx:
        found = tx.drafts.of("mapping:salesforce", name)
    return found.text if found else None


# ---------------------------------------------------------------- reading


def test_the_list_names_each_connected_crm_and_what_is_in_force(ann: Visitor) -> None:
    page = ann.page("/mappings")

    assert page.texts("//tbody/tr/*") == ["Salesforce", "mapping:salesforce:shipped", "19", "none"]
    assert "Not connected: HubSpot." in page.text


def test_a_row_says_ours_the_arrow_theirs_who_wins_its_owner_and_its_values(ann: Visitor) -> None:
    page = ann.page(AT)

    assert page.texts("//table//tbody/tr[1]/*") == [
        "payment.status where the account's payments stand",
        "\u2192is written to",
        "Payment_Status__c Stripe-owned",
        "stripe Stripe always wins, so whatever a person types there is replaced.",
        (
            "current: Current failed: Payment failed past_due: Past due paid: Paid lost: Lost "
            "unknown: Unknown"
        ),
    ]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (
            "quiet.",
            ["Dunning_Quiet_State__c", "Dunning_Suppressed_At__c", "Dunning_Quiet_Until__c"],
        ),
        ("PAST DUE", ["Payment_Status__c"]),
        ("twelve times", ["Stripe_ARR__c"]),
        ("cut to 80", ["Dunning_Case_State__c"]),
        ("no such thing", []),
    ],
)
@pytest.mark.req("E2", partly="of a short list; the long one stands beside it")
def test_the_filter_finds_rows_by_anything_that_is_said_of_them(
    ann: Visitor, word: str, found: list[str]
) -> None:
    page = press(ann, ann.page(AT), "Find", Find_rows=word)

    assert fields(page) == found


@pytest.mark.req("E3")
def test_every_rule_has_its_own_plain_sentence() -> None:
    pairs = [(wins, flow) for wins in Winner for flow in Flow]
    told = {pair: rule_sentence(*pair) for pair in pairs}

    assert all(one[0].isupper() and one.endswith(".") for one in told.values())
    assert all(one.count(".") == 1 for one in told.values())
    assert len({told[wins, Flow.OUT] for wins in Winner}) == len(Winner)
    assert set(WINNERS) == set(Winner) - {Winner.ERP}


def test_each_field_has_an_address_of_its_own(ann: Visitor) -> None:
    page = ann.page(STATUS)

    assert page.status == 200
    assert page.texts("//h2")[0] == "Payment_Status__c"
    assert "It says Current, Payment failed, Past due, Paid, Lost or Unknown." in page.text


def test_a_field_that_people_write_has_an_address_too(ann: Visitor) -> None:
    page = ann.page(f"{AT}/rows/Dunning_Status__c")

    assert page.texts("//section//li") == [
        (
            "Dunning_Status__c says 'In Resolution': Stripe is made quiet. A word that this file "
            "does not know does so too, and somebody is asked what it means."
        ),
        "Dunning_Status__c says 'Released' or nothing: Stripe is put back exactly as it was found.",
    ]


@pytest.mark.parametrize("crm", ["salesforce", "hubspot"])
@pytest.mark.req("E7")
def test_every_field_that_the_mapping_names_has_an_address(
    crm: str, database_url: str, redis_url: str
) -> None:
    world = build(database_url, redis_url, change=with_people, crms=(crm,))
    mapping = default_mapping(crm)
    task = [mapping.task.key_field, mapping.task.outcome_field or ""]
    people = list(mapping.people.values())
    names = [*mapping.account_fields, *people, mapping.customer_field, *task]
    visitor = entered(world, OTTO)

    answers = {one: visitor.page(f"/mappings/{crm}/rows/{one}").status for one in names}
    world.close()

    assert answers == dict.fromkeys(names, 200)


def test_a_write_that_the_crm_refused_leads_to_its_row(world: World, ann: Visitor) -> None:
    world.org.revoke_edit("Account", "Stripe_ARR__c")
    customer, _ = world.vip("Borealis Freight", number="INV-2")
    world.hours(4)
    # The others of its fields were written; with the next look it is asked for alone.
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(world.account(customer), "evaluate", cause="reconcile:sweep")
    world.settle()

    (address,) = ann.page("/dead").tree.xpath("//a[.='Fix the mapping']/@href")

    assert address == "/mappings/salesforce/rows/Stripe_ARR__c"
    assert ann.page(address).status == 200


def test_a_field_of_which_the_mapping_says_nothing_is_not_found(ann: Visitor) -> None:
    page = ann.page(f"{AT}/rows/Payment_Stats__c")

    assert page.status == 404
    assert "Did you mean Payment_Status__c?" in page.text


def test_a_crm_that_is_not_connected_has_no_pages(ann: Visitor) -> None:
    answers = [
        ann.page(f"/mappings/{crm}{page}").status
        for crm in ("hubspot", "x")
        for page in (
            "",
            "/text",
            "/check",
            "/explain",
            "/doctor",
            "/suggestions",
            "/plans",
            "/history",
            "/diff",
            "/export",
        )
    ]

    assert set(answers) == {404}


def test_the_mapping_is_told_in_sentences(ann: Visitor) -> None:
    page = ann.page(f"{AT}/explain")

    assert page.texts("//h2") == [
        "Written by Kidglove",
        "Read from people, never written",
        "Work goes to",
        "Its outcome is read from Dunning_Outcome__c",
    ]


def test_the_doctor_holds_the_draft_against_the_live_fields(ann: Visitor) -> None:
    press(
        ann,
        ann.page(STATUS),
        "Keep in the draft",
        Values="current: Curent\n"
        + "\n".join(f"{word}: Paid" for word in ("failed", "past_due", "paid", "lost", "unknown")),
    )

    page = ann.page(f"{AT}/doctor")

    assert page.texts("//tbody/tr[1]/*")[:2] == ["wrong", "Payment_Status__c"]
    assert "did you mean 'Current'?" in page.texts("//tbody/tr[1]/td")[1]
    assert page.texts("//tbody/tr[1]//a") == ["Payment_Status__c"]


# ---------------------------------------------------------------- editing


@pytest.mark.req("R15")
@pytest.mark.req("E1")
def test_a_row_is_edited_added_and_removed_with_the_keyboard_alone(
    world: World, ann: Visitor
) -> None:
    page = follow(ann, follow(ann, ann.page("/"), "Mappings"), "Salesforce")
    page = follow(ann, page, "Stripe_ARR__c")
    page = press(ann, page, "Keep in the draft", Who_wins="human")
    assert "Your draft is kept. Nothing of it is in force until a plan is applied." in page.text

    page = follow(ann, follow(ann, page, "Rows"), "Add a row")
    page = press(
        ann,
        page,
        "Add to the draft",
        Our_value="payment.customer_id",
        CRM_field="Extra__c",
        Who_wins="stripe",
    )
    page = follow(ann, follow(ann, page, "Rows"), "Stripe_MRR__c")
    page = press(ann, page, "Remove the row")

    text = draft(world)
    assert text is not None
    before = {one.theirs: one for one in load_mapping(SHIPPED, name="x").rows}
    after = {one.theirs: one for one in load_mapping(text, name="x").rows}
    assert after["Stripe_ARR__c"].wins is Winner.HUMAN
    assert set(after) - set(before) == {"Extra__c"}
    assert set(before) - set(after) == {"Stripe_MRR__c"}
    assert [one for one in text.splitlines() if "#" in one] == [
        one for one in SHIPPED.splitlines() if "#" in one
    ]
    assert in_force(world.runtime, "salesforce").label == "mapping:salesforce:shipped"


@pytest.mark.req("E1")
def test_every_control_of_every_page_is_reached_by_key_and_says_what_it_is(ann: Visitor) -> None:
    pages = [
        AT,
        STATUS,
        *(
            f"{AT}/{one}"
            for one in "add text check explain doctor suggestions plans diff history".split()
        ),
    ]
    seen = [ann.page(one) for one in ("/mappings", "/why", *pages)]
    plan = press(ann, ann.page(f"{AT}/plans"), "Plan")
    seen += [plan, ann.page(f"{plan.answer.url.path}/account")]

    assert [unreachable(page) for page in seen] == [[]] * len(seen)
    assert all(stops(page) for page in seen)
    assert [len(page.texts("//h1")) for page in seen] == [1] * len(seen)


def test_what_has_the_focus_is_seen(ann: Visitor) -> None:
    css = ann.page("/static/style.css").answer.text

    assert ":focus-visible { outline: 3px solid" in css
    assert css.count("outline: none") == css.count("main:focus { outline: none; }")


def test_every_mistake_is_shown_at_once_with_its_place_and_what_was_meant(ann: Visitor) -> None:
    broken = SHIPPED.replace("theirs: Stripe_MRR__c, wins: stripe", "theirs: A__c, wins: strpie")
    broken = broken.replace("theirs: Stripe_ARR__c", "theirs: Past_Due_Since__c")

    page = press(ann, ann.page(f"{AT}/text"), "Keep the draft and check", The_whole_text=broken)

    assert page.answer.url.path == f"{AT}/check"
    assert page.texts("//ol[@class='mistakes']/li/p[1]") == [
        "salesforce.yaml:30:55 wins cannot be 'strpie'; did you mean stripe?",
        "salesforce.yaml:31:43 Past_Due_Since__c is written by the row in line 26 already",
    ]
    assert "It cannot be planned or applied like this." in page.text
    assert "1 mistake" not in page.text


def test_a_row_that_is_filled_in_wrongly_keeps_what_was_typed_and_says_why(ann: Visitor) -> None:
    page = press(ann, ann.page(STATUS), "Keep in the draft", Values="failed Payment failed")

    assert page.status == 422
    assert page.texts("//p[@role='alert']") == [
        "Line 1 of the values: write `our word: their value`, like `failed: Payment failed`."
    ]
    assert page.tree.xpath("//textarea")[0].value == "failed Payment failed"


def test_a_mistake_in_a_row_stands_beside_the_row(ann: Visitor) -> None:
    page = press(ann, ann.page(STATUS), "Keep in the draft", Values="failed: Payment failed")

    assert "payment.status has no translation for" in page.texts("//ol[@class='mistakes']")[0]
    assert "payment.status has no translation for" in ann.page(AT).texts("//tr[@class='broken']")[0]


def test_a_text_that_cannot_be_read_at_all_can_be_corrected(world: World, ann: Visitor) -> None:
    press(ann, ann.page(f"{AT}/text"), "Keep the draft and check", The_whole_text="rows: [")
    pages = [
        ann.page(one)
        for one in (AT, f"{AT}/explain", f"{AT}/doctor", f"{AT}/diff", f"{AT}/plans", f"{AT}/text")
    ]

    assert [page.status for page in pages] == [200] * len(pages)
    page = press(ann, pages[-1], "Keep the draft and check", The_whole_text=SHIPPED)
    assert draft(world) is None
    assert "has no mistake" in page.text


def test_a_row_that_has_changed_meanwhile_is_not_overwritten(world: World, ann: Visitor) -> None:
    page = ann.page(STATUS)
    press(ann, page, "Keep in the draft", Cut="80")

    answer = press(ann, page, "Keep in the draft", Cut="90")

    assert answer.status == 409
    assert "cut: 80" in str(draft(world))


def test_a_draft_belongs_to_one_person_and_can_be_dropped(world: World, ann: Visitor) -> None:
    bea = entered(world, BEA)
    press(ann, ann.page(f"{AT}/rows/Stripe_ARR__c"), "Keep in the draft", Who_wins="human")

    assert "Your draft" not in bea.page(AT).text
    assert "Your draft, with 2 changed lines." in ann.page(AT).text
    assert "Your draft is dropped" in press(ann, ann.page(AT), "Drop the draft").text
    assert draft(world) is None


@pytest.mark.req("E4")
def test_each_form_says_how_many_records_it_will_change(ann: Visitor) -> None:
    pages = [STATUS, f"{AT}/add", f"{AT}/text", f"{AT}/plans"]

    said = [
        [text for text in page.texts("//form//p[@id]") if "record" in text]
        for page in map(ann.page, pages)
    ]

    assert said == [
        [
            "Changes 1 row of your draft. 0 records change until a plan of it is applied.",
            (
                "Takes 1 row out of your draft. 0 records change until a plan of it is applied, "
                "and what was written stays until somebody goes back to an earlier version."
            ),
        ],
        ["Adds 1 row to your draft. 0 records change until a plan of it is applied."],
        [
            (
                "Replaces your draft, with its comments and its order. 0 records change until a "
                "plan of it is applied. Every mistake is shown at once."
            )
        ],
        [
            (
                "Reads 1 account in the live systems, at most 3 calls to Stripe and 2 calls to "
                "Salesforce, and says what the mapping in force would change. "
                "0 records are written."
            )
        ],
    ]


# ---------------------------------------------------------------- operators


def test_an_operator_reads_everything_and_is_offered_nothing_to_change(otto: Visitor) -> None:
    pages = [
        otto.page(one)
        for one in (
            AT,
            STATUS,
            f"{AT}/text",
            f"{AT}/check",
            f"{AT}/explain",
            f"{AT}/doctor",
            f"{AT}/suggestions",
            f"{AT}/plans",
            f"{AT}/diff",
            f"{AT}/history",
            f"{AT}/add",
        )
    ]

    assert [page.status for page in pages] == [200] * len(pages)
    assert {
        str(form.get("action"))
        for page in pages
        for form in page.tree.xpath("//form[@method='post']")
    } == {"/logout"}


@pytest.mark.req("R15")
@pytest.mark.parametrize(
    "path",
    [
        "rows/Stripe_ARR__c",
        "rows/Stripe_ARR__c/remove",
        "add",
        "suggestions",
        "text",
        "draft/drop",
        "plans",
        "plans/0123456789ab/apply",
        "versions/0/back",
    ],
)
def test_an_operator_changes_nothing_whatever_is_sent(
    world: World, otto: Visitor, path: str
) -> None:
    csrf = otto.page("/").tree.xpath("//input[@name='csrf']/@value")[0]
    fields = {"csrf": csrf, "text": "x", "note": "x", "fill": "now", "over": "x", "theirs": "X"}

    answer = Page(otto.client.post(f"{AT}/{path}", data=fields))

    assert answer.status == 403
    assert answer.texts("//h1") == ["For admins only"]
    assert draft(world, "Otto") is None
    assert in_force(world.runtime, "salesforce").number == 0


def test_a_form_of_the_editor_from_nowhere_is_refused(ann: Visitor) -> None:
    answer = ann.client.post(f"{AT}/text", data={"csrf": "x", "text": SHIPPED})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        f"{AT}/rows/%00",
        f"{AT}/rows/%FF%FE",
        f"{AT}?q=%00%F0%9F%98%80",
        f"{AT}/plans/%00",
        f"{AT}/plans/0123456789ab/account?find=%00",
        f"{AT}/diff?old=%00&new=9999999999",
        f"{AT}/export?version=-1",
        f"{AT}/versions/99999999/back",
        "/why?system=%00&record=%00&field=%00",
        "/why?system=stripe&record=a%00b&field=c",
        "/works/%00",
        "/mappings/%00",
    ],
)
def test_odd_addresses_are_answered_and_break_nothing(ann: Visitor, path: str) -> None:
    assert ann.page(path).status in (200, 404)


def test_a_text_that_no_column_can_hold_is_refused(world: World, ann: Visitor) -> None:
    csrf = ann.page("/").tree.xpath("//input[@name='csrf']/@value")[0]

    answer = ann.client.post(f"{AT}/text", data={"csrf": csrf, "text": "mapping: \x00"})

    assert answer.status_code == 400
    assert draft(world) is None
