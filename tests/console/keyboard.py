"""Somebody without a mouse: reaches what the browser focuses by itself, by its label, and sends."""

from __future__ import annotations

from lxml import html

from tests.console.visitor import Page, Visitor

FOCUSED = (
    "//a[@href] | //button | //select | //textarea | //summary | //input[not(@type='hidden')]"
    " | //*[@tabindex='0']"
)
"""What a browser puts into the order of the tab key by itself, and regions that scroll."""


def stops(page: Page) -> list[html.HtmlElement]:
    """Everything that the tab key reaches."""
    return list(page.tree.xpath(FOCUSED))


def unreachable(page: Page) -> list[str]:
    """What reacts to a mouse and not to a key, or says to nobody what it is."""
    labelled = set(page.tree.xpath("//label/@for"))
    found = [
        str(one.tag)
        for one in page.tree.xpath(
            "//*[@role='button' or @onclick or @contenteditable or @tabindex > 0] | //script"
        )
    ]
    found += [
        f"{one.tag} {one.get('name')} without a label"
        for one in page.tree.xpath("//select | //textarea | //input[not(@type='hidden')]")
        if one.get("id") not in labelled
    ]
    found += [
        f"{one.tag} that says nothing"
        for one in page.tree.xpath("//button | //a[@href] | //summary")
        if not str(one.text_content()).strip()
    ]
    found += [
        f"form {one.get('action')} without a button"
        for one in page.tree.xpath("//form")
        if not one.xpath(".//button")
    ]
    ids = page.tree.xpath("//@id")
    return found + [f"id {one} twice" for one in ids if ids.count(one) > 1]


def press(visitor: Visitor, page: Page, button: str, **typed: str) -> Page:
    """Fill in the controls with these labels, as rendered, and press the button of that form.

    In a name of `typed` an underscore stands for a space of the label.
    """
    form = _form(page, button)
    for said, value in typed.items():
        control = _control(form, said.replace("_", " "))
        if control.tag == "input" and control.get("type") in ("radio", "checkbox"):
            for other in form.xpath(f".//input[@name='{control.get('name')}']"):
                other.attrib.pop("checked", None)
            control.set("checked", "checked")
        else:
            control.value = value
    action, method = str(form.get("action")), str(form.get("method") or "get")
    values: dict[str, str | list[str]] = {str(name): str(one) for name, one in form.form_values()}
    if method == "get":
        return Page(visitor.client.get(action, params=values))
    return Page(visitor.client.post(action, data=values))


def follow(visitor: Visitor, page: Page, text: str) -> Page:
    """Go where the link with this text leads."""
    (address, *_) = [
        str(one.get("href"))
        for one in page.tree.xpath("//a[@href]")
        if " ".join(str(one.text_content()).split()) == text
    ]
    return visitor.page(address)


def _form(page: Page, button: str) -> html.FormElement:
    found = [
        form
        for form in page.tree.forms
        if any(
            button in " ".join(str(one.text_content()).split()) for one in form.xpath(".//button")
        )
    ]
    assert found, f"no button {button!r}; there are {page.texts('//button')}"
    return found[0]


def _control(form: html.FormElement, label: str) -> html.HtmlElement:
    found = [
        control
        for one in form.xpath(".//label")
        if " ".join(str(one.text_content()).split()).startswith(label)
        for control in form.xpath(f".//*[@id='{one.get('for')}']")
    ]
    assert found, f"no label {label!r}"
    return found[0]
