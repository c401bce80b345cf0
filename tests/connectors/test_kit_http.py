"""The session: timeouts always, never inside a transaction, and a redirect for simulators."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from connectors.kit.http import Timeouts, new_session
from connectors.kit.transport import transport_error
from domain.boundary import HttpInTransaction, assert_no_transaction, transaction_open
from domain.errors import Misconfigured, OutcomeUnknown, Transient


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/slow"):
            threading.Event().wait(0.5)
        body = f"{self.headers['Host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def here() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_request_inside_a_transaction_is_refused_before_it_leaves(here: str) -> None:
    with transaction_open("unit of work"), pytest.raises(HttpInTransaction, match="unit of work"):
        new_session().get(here)


def test_after_the_transaction_the_same_session_works(here: str) -> None:
    session = new_session()
    with transaction_open():
        pass
    assert session.get(here).status_code == 200


def test_an_inner_transaction_does_not_open_the_way_for_the_outer_one() -> None:
    with transaction_open("outer"):
        with transaction_open("inner"):
            pass
        with pytest.raises(HttpInTransaction, match="outer"):
            assert_no_transaction("GET x")


def test_another_thread_is_not_inside_our_transaction() -> None:
    refused: list[Exception] = []

    def ask() -> None:
        try:
            assert_no_transaction("GET x")
        except HttpInTransaction as error:
            refused.append(error)

    with transaction_open():
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert refused == []


def test_an_https_address_is_sent_to_the_simulator_with_its_path(here: str) -> None:
    session = new_session(origins={"https://Acme.my.salesforce.com": f"{here}/org"})
    answer = session.get("https://acme.my.salesforce.com/services/data?q=1")
    assert answer.text.endswith("/org/services/data?q=1")


def test_a_proxy_of_the_environment_never_sees_what_is_redirected(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    session = new_session(origins={"https://acme.example": here})
    assert session.get("https://acme.example/x").status_code == 200


def test_a_proxy_of_the_environment_is_used_for_everything_else(
    here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", here)
    answer = new_session().get("http://vendor.example/x")
    assert answer.text == "vendor.example http://vendor.example/x"


def test_certificates_named_in_the_environment_are_honoured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/company.pem")
    assert new_session().verify == "/etc/company.pem"


def test_a_netrc_file_never_replaces_a_credential(
    here: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    sent = new_session().get(here, headers={"Authorization": "Bearer ours"}).request
    assert sent.headers["Authorization"] == "Bearer ours"


def test_a_request_without_a_timeout_gets_one(here: str) -> None:
    session = new_session(timeouts=Timeouts(connect=1, read=0.1))
    with pytest.raises(requests.exceptions.ReadTimeout):
        session.get(f"{here}/slow")


def _failure(url: str, timeout: float = 0.1) -> requests.RequestException:
    with pytest.raises(requests.RequestException) as caught:
        new_session().get(url, timeout=timeout)
    return caught.value


def test_a_write_that_never_connected_certainly_did_nothing() -> None:
    error = transport_error(_failure("http://127.0.0.1:1/"), call="POST x", is_write=True)
    assert isinstance(error, Transient)


def test_a_write_without_an_answer_may_have_acted(here: str) -> None:
    error = transport_error(_failure(f"{here}/slow"), call="POST x", is_write=True)
    assert isinstance(error, OutcomeUnknown)


def test_a_read_without_an_answer_may_be_repeated(here: str) -> None:
    error = transport_error(_failure(f"{here}/slow"), call="GET x", is_write=False)
    assert isinstance(error, Transient)


def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    error = transport_error(_failure("api.example.com/x"), call="GET x", is_write=False)
    assert isinstance(error, Misconfigured)


def test_a_distrusted_certificate_is_a_wrong_setting() -> None:
    failure = requests.exceptions.SSLError("certificate verify failed")
    assert isinstance(transport_error(failure, call="GET x", is_write=True), Misconfigured)
