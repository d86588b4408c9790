"""The HTTP interface, on the tiny model."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed (keci[serve])")
pytest.importorskip("prometheus_client", reason="keci[serve] is not installed")

from starlette.testclient import TestClient  # after it is known to be there

import keci
from keci.documents import ConceptLink, Extraction, Mention, Relation
from keci.serving.app import Service, make_app
from keci.serving.observing import JsonFormatter, Observer
from keci.serving.options import ServeOptions
from keci.serving.server import known_models

TEXTS = [f"{word} with rash after abc and pain {number}" for number in range(8) for word in "xyz"]
SMALL = ServeOptions(
    max_texts=30, max_characters=2000, max_body=4000, max_waiting=40, seconds=20, batch_texts=8
)


@pytest.fixture(scope="module")
def pipeline(tiny_bundle: Path, tiny_kb_folder: Path) -> Iterator[keci.Pipeline]:
    with keci.load(tiny_bundle, kb=tiny_kb_folder, threads=2, precision="int8") as pipeline:
        yield pipeline


@pytest.fixture
def service(pipeline: keci.Pipeline, tiny_bundle: Path) -> Service:
    return Service(pipeline, SMALL, known_models(str(tiny_bundle), pipeline.description))


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(make_app(service), base_url="http://localhost") as client:
        yield client


def test_one_text_gives_its_record(client: TestClient, pipeline: keci.Pipeline) -> None:
    answer = client.post("/extract", json={"text": TEXTS[0], "id": "a"})
    expected = next(pipeline.extract([keci.Document("a", TEXTS[0])]))
    assert answer.status_code == 200
    assert isinstance(expected, keci.Extraction)
    assert answer.json() == expected.to_record()
    assert answer.json()["entities"]


def test_several_texts_give_results_in_order(client: TestClient, pipeline: keci.Pipeline) -> None:
    texts = [TEXTS[0], {"text": "", "id": "empty"}, {"text": "nul\x00"}, TEXTS[1]]
    results = client.post("/extract", json={"texts": texts}).json()["results"]
    assert [item["id"] for item in results] == ["1", "empty", "3", "4"]
    assert results[2]["error"] == "the NUL character at character 3"
    assert results[3]["text"] == TEXTS[1]
    assert client.post("/extract", json={"texts": []}).json() == {"results": []}


def test_answers_do_not_hang_on_neighbours(client: TestClient, pipeline: keci.Pipeline) -> None:
    alone = [pipeline(text).to_record() for text in TEXTS]

    def ask(text: str) -> object:
        return client.post("/extract", json={"text": text, "id": "1"}).json()

    with ThreadPoolExecutor(12) as clients:
        found = list(clients.map(ask, TEXTS * 3))
    assert found == alone * 3
    count = client.get("/metrics").text
    assert "keci_batch_texts_count" in count


def test_links(client: TestClient) -> None:
    (mention,) = client.post("/link", json={"text": "a rash"}).json()["mentions"]
    assert (mention["start"], mention["end"], mention["text"]) == (2, 6, "rash")
    assert mention["concepts"][0] == {"id": "X:1", "name": "rash", "types": ["T033"], "xrefs": []}
    assert client.post("/link", json={"text": "a\x00"}).status_code == 422


def test_a_service_without_knowledge_base_links_nothing(tiny_bundle: Path) -> None:
    with keci.load(tiny_bundle, kb=False) as pipeline:
        app = make_app(Service(pipeline, SMALL, ()))
        with TestClient(app, base_url="http://localhost") as client:
            answer = client.post("/link", json={"text": "a rash"})
    assert answer.status_code == 404
    assert "no knowledge base" in answer.json()["detail"]


def test_state_and_models(client: TestClient, service: Service, tiny_bundle: Path) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}
    served, *others = client.get("/models").json()["models"]
    assert served["served"]
    assert served["entity_types"] == ["effect", "drug"]
    assert not any(other["served"] for other in others)
    service.gate.enter(SMALL.max_waiting)
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"[" * 3000, 400),
        (b"\xff", 400),
        (b"null", 422),
        (b'{"text": 3}', 422),
        (b'{"text": "a", "texts": ["b"]}', 422),
        (b'{"texts": ["a"], "id": "b"}', 422),
        (b'{"text": "a", "model": "b"}', 422),
        (b'{"text": "\\ud800"}', 422),
        (orjson.dumps({"texts": ["a"] * 31}), 413),
        (orjson.dumps({"text": "a " * 1001}), 413),
        (orjson.dumps({"text": "a" * 4000}), 413),
    ],
)
def test_bad_bodies_are_refused(client: TestClient, content: bytes, status: int) -> None:
    answer = client.post("/extract", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert len(answer.content) < 1000
    assert client.post("/extract", json={"text": "rash"}).status_code == 200


def test_other_sites_get_nothing(client: TestClient) -> None:
    plain = {"Content-Type": "text/plain", "Origin": "http://evil.example"}
    for headers in (plain, {"Content-Type": ""}):
        refused = client.post("/extract", content=b'{"text": "a"}', headers=headers)
        assert refused.status_code == 415
        assert "Content-Type: application/json" in refused.json()["detail"]
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/extract", headers=asked)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/docs").status_code == 404
    for own in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert client.get("/health", headers={"Host": own}).status_code == 200


def test_a_full_server_says_when_to_come_again(service: Service, client: TestClient) -> None:
    service.gate.enter(SMALL.max_waiting)
    answer = client.post("/extract", json={"text": "rash"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_an_answer_that_takes_too_long_is_given_up(
    pipeline: keci.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    options = ServeOptions(seconds=1, max_waiting=3)
    service = Service(pipeline, options, ())
    monkeypatch.setattr(service.batcher, "_extract", lambda texts: may_go_on.wait(20) and texts)
    with TestClient(make_app(service), base_url="http://localhost") as client:
        assert client.post("/extract", json={"texts": ["a", "b", "c", "d"]}).status_code == 503
        may_go_on.set()
    assert service.gate.inside == 0, "all left, those that were given up too"


def test_a_bug_is_an_internal_error_and_the_next_are_answered(
    service: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr(service.batcher, "_extract", lambda _: 1 / 0)
        answer = client.post("/extract", json={"text": "rash"})
    assert (answer.status_code, answer.json()) == (500, {"detail": "an internal error"})
    assert client.post("/extract", json={"text": "rash"}).status_code == 200


def test_requests_are_logged_without_texts_and_counted(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "keci.serving"):
        client.post("/extract", json={"text": "secret rash"}, headers={"X-Request-ID": "r-1"})
        answer = client.get("/nonsense", headers={"X-Request-ID": "two\twords"})
    first, second = (json.loads(JsonFormatter().format(item)) for item in caplog.records)
    assert (first["id"], first["path"], first["status"]) == ("r-1", "/extract", 200)
    assert second["status"] == 404
    assert second["id"] == answer.headers["x-request-id"] != "two\twords"
    assert "secret" not in caplog.text
    counts = client.get("/metrics")
    assert counts.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'keci_requests_total{path="/extract",status="200"} 1.0' in counts.text
    assert 'keci_requests_total{path="other",status="404"} 1.0' in counts.text
    assert 'keci_texts_total{outcome="extracted"} 1.0' in counts.text


def test_open_api_describes_everything(client: TestClient) -> None:
    found = client.get("/openapi.json").json()
    assert {"/extract", "/link", "/models", "/health", "/ready", "/metrics"} <= set(found["paths"])
    extract = found["paths"]["/extract"]["post"]["responses"]
    assert {"200", "400", "408", "413", "422", "429", "503"} <= set(extract)
    schemas = found["components"]["schemas"]
    concept = ConceptLink("X:1", "rash", ("T033",), 0.5, ("Y:1",))
    mention = Mention("T1", 0, 4, "rash", "effect", 0.9, (concept,), 0.5, "g", 0.8)
    record = Extraction("d", "rash", (mention,), (Relation("R1", "T1", "T1", "with", 0.7),))
    given = record.to_record()
    assert schemas["RecordModel"]["properties"].keys() == given.keys()
    assert schemas["Mention"]["properties"].keys() == given["entities"][0].keys()
    assert schemas["Relation"]["properties"].keys() == given["relations"][0].keys()
    assert schemas["ConceptLink"]["properties"].keys() == given["entities"][0]["concepts"][0].keys()


def test_the_observer_hands_on_what_is_no_request(service: Service) -> None:
    app = make_app(service)
    assert isinstance(app, Observer)
    with TestClient(app, base_url="http://localhost"):
        assert service.batcher.is_working
    assert not service.batcher.is_working
