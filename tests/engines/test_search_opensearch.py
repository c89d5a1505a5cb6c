"""What OpenSearch does beside the contract: laws on a real server, and its own failures."""

import base64
import http.server
import multiprocessing
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from opensearchpy.exceptions import ConnectionTimeout
from tests.engines import search_laws as laws
from tests.engines import search_work
from tests.engines.search_laws import RULES, ids
from tests.engines.search_work import index_on, made

from liandong.engines.search import opensearch
from liandong.engines.search.locks import IndexBusy
from liandong.engines.search.opensearch import OpenSearchIndex
from liandong.engines.search.opensearch_server import Address, write
from liandong.kernel.access import EVERYONE, Rule
from liandong.kernel.ports import (
    MaskedText,
    SearchAway,
    SearchDocument,
    SearchQuery,
    SearchRefused,
)
from liandong.kernel.query import parse

pytestmark = pytest.mark.enable_socket
few = settings(max_examples=6, deadline=None)  # each is some ten requests


@pytest.fixture
def index(search_server: str) -> Iterator[OpenSearchIndex]:
    with index_on(search_server, wait_s=0.5) as one:
        yield one


@pytest.fixture(scope="module")
def shelf(search_server: str) -> Iterator[OpenSearchIndex]:
    with index_on(search_server) as one:
        yield one


def found(index: OpenSearchIndex, typed: str = "", visible: Rule = EVERYONE) -> list[int]:
    return sorted(ids(index.find(parse(typed), visible=visible, whole=EVERYONE, limit=100)))


# Laws ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@few
@given(laws.ROWS, st.lists(RULES, min_size=1, max_size=6))
def test_hits_counts_and_facets_agree_with_the_rule(
    shelf: OpenSearchIndex, rows: list[tuple[dict[str, Any], str]], rules: list[Rule]
) -> None:
    laws.hits_counts_and_facets_agree(shelf, rows, rules)


@pytest.mark.slow
@few
@given(
    laws.MASKED_ROWS,
    st.lists(st.tuples(RULES, RULES), min_size=1, max_size=4),
    st.lists(laws.QUESTIONS, min_size=1, max_size=4),
    laws.ORDERS,
)
def test_who_may_not_read_the_whole_finds_by_the_masked_text_alone(
    shelf: OpenSearchIndex,
    rows: list[tuple[dict[str, Any], MaskedText, MaskedText | None]],
    rules: list[tuple[Rule, Rule]],
    queries: list[SearchQuery],
    order: str,
) -> None:
    laws.masked_text_alone_finds(shelf, rows, rules, queries, order)


@pytest.mark.slow
@few
@given(st.lists(laws.TEXTS, min_size=1, max_size=6), st.data())
def test_every_part_of_a_text_is_found_by_phrase_and_by_word(
    shelf: OpenSearchIndex, texts: list[str], data: st.DataObject
) -> None:
    laws.every_part_is_found(shelf, texts, data)


@pytest.mark.slow
@few
@given(st.text(max_size=30))
def test_nothing_typed_breaks_the_search(shelf: OpenSearchIndex, typed: str) -> None:
    laws.nothing_typed_breaks(shelf, typed)


def test_the_longest_question_is_answered(shelf: OpenSearchIndex) -> None:
    letters = "".join(chr(0x4E00 + 7 * n % 20000) for n in range(3800))
    for typed in (
        letters,
        " ".join(letters),
        f'"{letters}"',
        f"-{letters}",
        " ".join(["1号"] * 900),
    ):
        shelf.find(parse(typed), visible=EVERYONE, whole=EVERYONE, limit=5)


# Writers ------------------------------------------------------------------------------------------


def test_another_machine_sees_what_is_written_and_swapped(
    index: OpenSearchIndex, search_server: str
) -> None:
    other = OpenSearchIndex(f"{search_server}/{index._prefix}", timeout_s=60)
    index.put([made(1)])
    assert other.count() == 1
    index.rebuild([made(1), made(2)])
    assert other.count() == 2
    other.put([made(3)])
    assert found(index) == [1, 2, 3]
    other.close()


def test_other_facts_are_another_index_and_a_rebuild_removes_the_old_form(
    index: OpenSearchIndex, search_server: str
) -> None:
    index.put([made(1)])
    facts = {"level": True}
    other = OpenSearchIndex(f"{search_server}/{index._prefix}", facts=facts, timeout_s=60)
    assert (other.count(), index.count()) == (0, 1)
    assert other.rebuild([made(1), made(2)]) == 2
    assert len(other._known()) == 1
    other.close()


def test_what_was_put_or_removed_while_an_index_is_filled_is_newer_than_what_fills_it(
    index: OpenSearchIndex,
) -> None:
    index.put([made(1, "旧的"), made(2)])

    def fresh() -> Iterator[SearchDocument]:
        index.put([made(1, "其间")])
        index.remove([2])
        yield from (made(1, "旧的"), made(2), made(3))
        index.put([made(2, "又来")])
        index.remove([3])

    assert index.rebuild(fresh()) == 2
    assert (found(index), found(index, "其间"), found(index, "旧的")) == ([1, 2], [1], [])
    raw = index._client.search(index=f"{index._prefix}-*", body={})["hits"]["total"]["value"]
    assert raw == 2  # nothing hidden is left


def test_documents_that_are_refused_are_named_and_the_others_written(
    index: OpenSearchIndex,
) -> None:
    with pytest.raises(SearchRefused, match=r"1 documents not written: 2: .*date"):
        index.put([made(1), made(2, date=2**40), made(3)])
    index._client.indices.refresh(index=index._alias)
    assert found(index) == [1, 3]
    with pytest.raises(SearchRefused, match="2: "):
        index.rebuild([made(5), made(2, date=2**40)])
    assert (found(index), len(index._known())) == ([1, 3], 1)


def test_a_server_without_room_is_asked_again_and_then_named(
    index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server says 429 of each document, as it does with full queues or disks."""
    index.put([made(1)])

    def full(yes: bool) -> None:
        body = {"index.blocks.read_only_allow_delete": yes}
        index._client.indices.put_settings(index=index._alias, body=body)

    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            full(False)

    monkeypatch.setattr("opensearchpy.helpers.actions.time.sleep", sleep)
    full(True)
    index.put([made(2)])
    assert (found(index), pauses) == ([1, 2], [1, 2, 4])
    full(True)
    monkeypatch.setattr("opensearchpy.helpers.actions.time.sleep", lambda seconds: None)
    with pytest.raises(SearchAway, match="3: "):
        index.put([made(3)])
    full(False)
    assert found(index) == [1, 2]


# Failures -----------------------------------------------------------------------------------------


def test_a_server_that_is_away_is_one_error_of_the_port() -> None:
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        closed.bind(("127.0.0.1", 0))
        for one in (silent, closed):
            url = f"http://127.0.0.1:{one.getsockname()[1]}/away"
            index = OpenSearchIndex(url, timeout_s=0.3)
            with pytest.raises(SearchAway):
                index.find(SearchQuery(), visible=EVERYONE, whole=EVERYONE, limit=1)
            for work in (
                index.count,
                lambda i=index: i.put([made(1)]),
                lambda i=index: i.remove([1]),
            ):
                with pytest.raises(SearchAway):
                    work()
            with pytest.raises(SearchAway):
                index.rebuild([made(1)])
            index.close()


def test_a_killed_rebuild_leaves_the_old_index_and_the_next_one_cleans_up(
    index: OpenSearchIndex, search_server: str, tmp_path: Path
) -> None:
    index.put([made(1)])
    mark = tmp_path / "filling"
    work = search_work.rebuild_on_server_forever
    arguments = (f"{search_server}/{index._prefix}", str(mark))
    writer = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    writer.start()
    while writer.is_alive() and not mark.exists():
        time.sleep(0.05)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    assert len(index._known()) == 2
    index.put([made(2)])
    assert found(index) == [1, 2]
    assert index.rebuild([made(1)]) == 1
    assert (found(index), len(index._known())) == ([1], 1)


def test_a_rebuild_that_shows_signs_of_life_is_not_disturbed(
    index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def beat(_seconds: float) -> None:
        beats = [{"_index": alias, "_id": "heartbeat", "_source": {}} for alias in index._filling()]
        assert write(index._client, beats) == []

    def fresh() -> Iterator[SearchDocument]:
        yield made(1)
        monkeypatch.setattr(opensearch.time, "sleep", beat)
        with pytest.raises(IndexBusy):
            index.rebuild([made(2)])

    assert index.rebuild(fresh()) == 1
    assert found(index) == [1]


def test_a_rebuild_that_was_taken_for_dead_changes_nothing(index: OpenSearchIndex) -> None:
    def fresh() -> Iterator[SearchDocument]:
        assert index.rebuild([made(2)]) == 1
        yield made(1)

    with pytest.raises(IndexBusy, match="another rebuild"):
        index.rebuild(fresh())
    assert (found(index), len(index._known())) == ([2], 1)


def test_a_swap_whose_answer_was_lost_has_swapped(
    index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client asks again, and by then there is nothing left to swap."""
    swap = index._client.indices.update_aliases

    def twice(body: dict[str, Any]) -> Any:
        swap(body=body)
        return swap(body=body)

    index.put([made(1)])
    monkeypatch.setattr(index._client.indices, "update_aliases", twice)
    assert index.rebuild([made(2)]) == 1
    assert (found(index), len(index._known())) == ([2], 1)


def test_a_rebuild_that_fails_after_the_swap_removes_nothing(
    index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = index._client.indices.update_aliases

    def cut_off(body: dict[str, Any]) -> None:
        swap(body=body)
        if len(body["actions"]) > 1:
            raise ConnectionTimeout("TIMEOUT", "cut off", OSError())

    monkeypatch.setattr(index._client.indices, "update_aliases", cut_off)
    with pytest.raises(SearchAway, match="cut off"):
        index.rebuild([made(2)])
    assert found(index) == [2]


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A stand-in over TLS that knows one password: its address and its certificate."""
    file, key = _certificate(tmp_path_factory.mktemp("tls"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Counting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://archive@localhost:{server.server_port}/x", str(file)
    server.shutdown()
    server.server_close()


class _Counting(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        right = "Basic " + base64.b64encode("archive:口令".encode()).decode()
        self.send_response(200 if self.headers["authorization"] == right else 401)
        self.send_header("Content-Type", "application/json")
        body = b'{"count": 7, "_shards": {"failed": 0}}'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - a name of the library

    def log_message(self, *_: object) -> None:
        pass


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    day = datetime.now(UTC)  # noqa: TID251 - as the client's clock
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day - timedelta(days=1))
        .not_valid_after(day + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, kind, plain))
    return folder / "cert.pem", folder / "key.pem"


def test_the_certificate_and_the_password_are_checked(over_tls: tuple[str, str]) -> None:
    url, ca = over_tls
    known = OpenSearchIndex(url, "口令", ca=ca)
    stranger = OpenSearchIndex(url, "口令")
    guessing = OpenSearchIndex(url, "none", ca=ca)
    assert known.count() == 7
    with pytest.raises(SearchAway, match=r"(?i)certificate.verify.failed"):
        stranger.count()
    with pytest.raises(SearchAway, match="401"):
        guessing.count()
    for one in (known, stranger, guessing):
        one.close()


# Addresses ----------------------------------------------------------------------------------------


def test_an_address_names_hosts_user_and_prefix() -> None:
    one = Address.of("https://archive%40city@a:9200,b:9200/east", "secret")
    assert one == Address(("https://a:9200", "https://b:9200"), "east", "archive@city", "secret")
    assert "secret" not in repr(one)
    assert Address.of("http://127.0.0.1:9200").prefix == "liandong"
    for wrong in ("ftp://a", "https://", "https://a/x/y", "https://a/UP", "nonsense"):
        with pytest.raises(ValueError, match="prefix"):
            Address.of(wrong)
