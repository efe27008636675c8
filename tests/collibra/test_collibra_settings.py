"""Settings and the mapping file: what is read, what goes before what, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakepact.collibra.auth import ClientAuthentication
from lakepact.collibra.feedback import ATTRIBUTES
from lakepact.collibra.mapping import Mapped, Mapping, mapping_text, read_mapping
from lakepact.collibra.settings import CollibraSettings, Login, read_settings
from lakepact.collibra.store import CollibraContractStore
from lakepact.errors import ConfigurationError, UsageError
from lakepact.store import open_store
from lakepact.store.model import Status
from lakepact.testing.collibra_server import CollibraServer
from lakepact.testing.store_samples import contract

PORT = "7f1c0e1a-0000-4000-8000-000000000001"
URL = "https://c.example/api"


@pytest.fixture
def server() -> Iterator[CollibraServer]:
    with CollibraServer() as found:
        yield found


def settings(tmp_path: Path, text: str, **environment: str) -> CollibraSettings:
    file = tmp_path / "collibra.yml"
    file.write_text(text)
    return read_settings(
        file=file, environment={f"LAKEPACT_COLLIBRA_{key}": value for key, value in environment.items()}
    )


def test_variables_go_before_the_file_and_the_address_before_both(tmp_path: Path) -> None:
    text = f"url: {URL}\nuser: from-file\ntimeout: 5\nlogin: basic\n"
    found = settings(tmp_path, text, USER="from-variable", RETRIES="2", SECRET="hunter2", OWNERS="a, b")
    assert (found.url, found.user, found.timeout, found.retries) == (URL, "from-variable", 5.0, 2)
    assert (found.login, found.owners, found.secret) == (Login.BASIC, ("a", "b"), "env:LAKEPACT_COLLIBRA_SECRET")
    assert "hunter2" not in repr(found)
    other = read_settings(url="https://other.example", environment={"LAKEPACT_COLLIBRA_URL": URL})
    assert other.url == "https://other.example"


def test_everything_can_be_said_in_a_file(tmp_path: Path) -> None:
    text = f"""\
url: {URL}
user: "urn:sys:env:1:i:2"
secret: databricks:scope/key
client_authentication: basic
token_url: https://t.example/token
headers: {{x-api-key: "env:KEY"}}
names: {{validated: [Blessed], in_review: Checking}}
mapping: mapping.yml
cache: none
owners: [{PORT}]
fresh_seconds: 0
attributes: {{verdict: Compliance}}
workflow: {PORT}
external_system: unity
"""
    found = settings(tmp_path, text)
    assert found.client_authentication is ClientAuthentication.BASIC
    assert (found.names.validated, found.names.in_review) == (("Blessed",), ("Checking",))
    assert (found.mapping, found.cache, found.fresh_seconds) == (tmp_path / "mapping.yml", None, 0.0)
    assert found.names.names(Status.DRAFT) == ("Draft", "Candidate")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "collibra.yml is no mapping"),
        ("url: [", "collibra.yml is no YAML"),
        ("user: x", "there is no address of Collibra"),
        ("url: u\npassword: hunter2", "has the unknown key `password`"),
        ("url: 1", "`url` is no text"),
        ("url: u\nlogin: magic", "`login` is none of client, bearer, basic, session"),
        ("url: u\ntimeout: soon", "`timeout` is no number from 0"),
        ("url: u\ntimeout: -1", "`timeout` is no number from 0"),
        ("url: u\nretries: 1.5", "`retries` is no whole number"),
        ("url: u\nheaders: [a]", "`headers` is no mapping of texts"),
        ("url: u\nnames: {blessed: x}", "`names` has `blessed`, which is none of deprecated, draft"),
        ("url: u\nowners: {a: b}", "`owners` is no list of texts"),
        ("url: u\nfeedback: all", "`feedback` is none of attributes, metrics, both"),
        ("url: u\nfeedback: both", "`feedback: both` needs `metrics_domain`, the id of a domain for metrics"),
        ("url: u\nfeedback: metrics\nmetrics_domain: Quality", "`feedback: metrics` needs `metrics_domain`"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP901: ") as raised:
        settings(tmp_path, text)
    assert words in raised.value.message
    assert "hunter2" not in str(raised.value)


def test_as_what_outcomes_are_shown(tmp_path: Path) -> None:
    text = f"url: u\nmetrics_domain: {PORT}\nattributes: {{at: Checked at}}\nfeedback: "
    shown = {each: settings(tmp_path, text + each) for each in ("attributes", "metrics", "both")}
    assert {each: found.shown_metrics for each, found in shown.items()} == {
        "attributes": "",
        "metrics": PORT,
        "both": PORT,
    }
    assert shown["metrics"].shown_attributes == {"at": "Checked at"}
    everything = {**ATTRIBUTES, "at": "Checked at"}
    assert shown["attributes"].shown_attributes == shown["both"].shown_attributes == everything


def test_settings_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^LP901: .*nowhere\.yml cannot be read: No such file"):
        read_settings(file=tmp_path / "nowhere.yml", environment={})
    with pytest.raises(ConfigurationError, match=r"^LP901: the settings for Collibra have no user\n"):
        CollibraSettings(url=URL).client(environment={})


def test_a_gateway_header_does_not_go_to_a_token_address_elsewhere() -> None:
    with CollibraServer(required_header=("x-api-key", "k1")) as server, CollibraServer() as tokens:
        tokens.client("id", "s")
        found = CollibraSettings(
            url=server.url,
            user="id",
            token_url=f"{tokens.url}/rest/oauth/v2/token",
            headers={"x-api-key": "env:KEY"},
            retries=0,
        )
        client = found.client(environment={"KEY": "k1", "LAKEPACT_COLLIBRA_SECRET": "s"})
        server.access.add_bearer("whatever")
        with pytest.raises(Exception, match="LP903"):
            client.get("rest/2.0/statuses")
        assert "x-api-key" in server.requests[0].headers
        assert "x-api-key" not in tokens.requests[0].headers


def test_a_store_by_its_address(server: CollibraServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = server.add_port("orders")
    (tmp_path / "mapping.yml").write_text(mapping_text(Mapping((Mapped(contract_id="orders", port=port),))))
    (tmp_path / "collibra.yml").write_text(f"url: {server.url}\nmapping: mapping.yml\ncache: cache\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAKEPACT_COLLIBRA_USER", server.client_id)
    monkeypatch.setenv("LAKEPACT_COLLIBRA_SECRET", server.client_secret)
    store = open_store("collibra:")
    assert isinstance(store, CollibraContractStore)
    store.put(contract(), actor="ada")
    assert open_store("collibra:collibra.yml").list_contracts() == ("orders",)
    assert open_store(store.address).get("orders", "1.0.0").source == contract().source
    assert (tmp_path / "cache").is_dir()
    with pytest.raises(ConfigurationError, match=r"^LP909: the contract 'other' is mapped to no port of Collibra\n"):
        store.put(contract("other"), actor="ada")


def test_a_mapping_comes_back_equal(tmp_path: Path) -> None:
    given = Mapping(
        (
            Mapped(contract_id="a: b", port=PORT, datasets=("main.a.b", "main.a.c")),
            Mapped(contract_id="urn:x", port=PORT[:-1] + "2", product=PORT[:-1] + "3", asset=PORT[:-1] + "4"),
        )
    )
    (tmp_path / "m.yml").write_text(mapping_text(given))
    found = read_mapping(tmp_path / "m.yml")
    assert found == given
    assert found.of_dataset("main.a.c") == given.contracts[0]
    assert found.of_dataset("main.a.d") is None
    assert found.port_of("urn:x") == PORT[:-1] + "2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "it is no YAML"),
        ("[]", "it does not say `version: 1`"),
        ("version: 2", "it does not say `version: 1`"),
        ("version: 1\ncontracts: [a]", "`contracts` is no mapping"),
        ("version: 1\ncontracts: {a: b}", "'a' is no mapping"),
        ("version: 1\ncontracts: {a: {}}", "`port` of 'a' is no id of Collibra"),
        (f"version: 1\ncontracts: {{a: {{port: {PORT}, asset: x}}}}", "`asset` of 'a' is no id of Collibra"),
        (f"version: 1\ncontracts: {{a: {{port: {PORT}, tables: []}}}}", "'a' has the unknown key `tables`"),
        (f"version: 1\ncontracts: {{a: {{port: {PORT}, datasets: x}}}}", "`datasets` of 'a' is no list of names"),
    ],
)
def test_a_mapping_that_is_none(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "m.yml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"^LP914: .*m\.yml is no mapping for Collibra: ") as raised:
        read_mapping(tmp_path / "m.yml")
    assert words in raised.value.message


def test_a_port_or_a_dataset_belongs_to_one_contract(tmp_path: Path) -> None:
    other = PORT[:-1] + "2"
    (tmp_path / "m.yml").write_text(f"version: 1\ncontracts: {{a: {{port: {PORT}}}, b: {{port: {PORT}}}}}")
    with pytest.raises(UsageError, match=rf"^LP908: .* maps the port {PORT} to 'a' and to 'b'\n"):
        read_mapping(tmp_path / "m.yml")
    text = f"version: 1\ncontracts: {{a: {{port: {PORT}, datasets: [t]}}, b: {{port: {other}, datasets: [t]}}}}"
    (tmp_path / "m.yml").write_text(text)
    with pytest.raises(UsageError, match=r"^LP908: .* maps the dataset 't' to 'a' and to 'b'\n"):
        read_mapping(tmp_path / "m.yml")
