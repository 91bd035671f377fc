"""What a channel may be made from."""

import json
import pickle

import canaries
import google.auth.api_key
import google.auth.credentials
import google.oauth2.credentials
import pytest

from eegrpc._options import HIGH_VOLUME_ENDPOINT, USER_AGENT, ChannelOptions, Endpoint, channel_options

CANARY = canaries.PASSWORD


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EARTHENGINE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_QUOTA_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def user_credentials() -> google.oauth2.credentials.Credentials:
    return google.oauth2.credentials.Credentials(CANARY)


# --- endpoints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scheme", "target", "origin"),
    [
        ("earthengine.googleapis.com", "https", "earthengine.googleapis.com:443", "https://earthengine.googleapis.com"),
        ("host:8443", "https", "host:8443", "https://host:8443"),
        ("https://Host.Example", "https", "host.example:443", "https://host.example"),
        ("HTTPS://host/", "https", "host:443", "https://host"),
        ("https://host:443/", "https", "host:443", "https://host"),
        ("http://127.0.0.1:8085", "http", "127.0.0.1:8085", "http://127.0.0.1:8085"),
        ("http://localhost", "http", "localhost:80", "http://localhost"),
        ("http://host:443", "http", "host:443", "http://host:443"),
        ("https://[2001:DB8:0::1]", "https", "[2001:db8::1]:443", "https://[2001:db8::1]"),
        ("[::1]:50051", "https", "[::1]:50051", "https://[::1]:50051"),
        ("my_service:1", "https", "my_service:1", "https://my_service:1"),
        ("xn--bcher-kva.example:65535", "https", "xn--bcher-kva.example:65535", "https://xn--bcher-kva.example:65535"),
    ],
)
def test_endpoint(text: str, scheme: str, target: str, origin: str) -> None:
    endpoint = Endpoint.parse(text)
    assert (endpoint.scheme, endpoint.target, endpoint.origin) == (scheme, target, origin)
    assert endpoint.plaintext is (scheme == "http")
    assert Endpoint.parse(endpoint.origin) == endpoint


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("https://user:canary-password@host", "user name or password", id="TPL-12-userinfo"),
        pytest.param("http://localhost@evil", "user name or password", id="TPL-12-userinfo-plain"),
        pytest.param("https://host/v1alpha", "a path", id="TPL-12-path"),
        pytest.param("https://host//", "a path", id="TPL-12-two-slashes"),
        pytest.param("host/", "", id="TPL-12-bare-trailing-slash-is-fine"),
        pytest.param("https://host?key=canary-password", "a query", id="TPL-12-query"),
        pytest.param("https://host/?", "a query", id="TPL-12-empty-query"),
        pytest.param("https://host#canary-password", "a fragment", id="TPL-12-fragment"),
        pytest.param("https://ho st", "U+0020", id="TPL-12-space"),
        pytest.param(" https://host", "U+0020", id="TPL-12-leading-space"),
        pytest.param("https://host\r\nx-evil: 1", "U+000D", id="TPL-12-crlf"),
        pytest.param("https://host\t", "U+0009", id="TPL-12-tab"),
        pytest.param("https://ho\x00st", "U+0000", id="TPL-12-nul"),
        pytest.param("https://ho\x7fst", "U+007F", id="TPL-12-del"),
        pytest.param("https://bücher.example", "U+00FC", id="TPL-12-non-ascii"),
        pytest.param("ftp://host", "scheme 'ftp'", id="TPL-12-scheme"),
        pytest.param("grpc://host", "scheme 'grpc'", id="TPL-12-scheme-grpc"),
        pytest.param("dns:///host:443", "scheme 'dns'", id="TPL-12-scheme-dns"),
        pytest.param("unix:/tmp/socket", "a path", id="TPL-12-unix"),
        pytest.param("://host", "no scheme", id="TPL-12-no-scheme"),
        pytest.param("https://host:0", "port", id="TPL-12-port-0"),
        pytest.param("https://host:65536", "port", id="TPL-12-port-65536"),
        pytest.param("host:", "port", id="TPL-12-port-empty"),
        pytest.param("host:-1", "port", id="TPL-12-port-negative"),
        pytest.param("host:https", "port", id="TPL-12-port-name"),
        pytest.param("host:000443", "port", id="TPL-12-port-zeros"),
        pytest.param("", "no host", id="TPL-12-empty"),
        pytest.param("https://", "no host", id="TPL-12-no-host"),
        pytest.param("https:///", "no host", id="TPL-12-no-host-slash"),
        pytest.param(":443", "no host", id="TPL-12-only-port"),
        pytest.param("::1", "brackets", id="TPL-12-ipv6-bare"),
        pytest.param("[::1", "malformed IPv6", id="TPL-12-ipv6-open"),
        pytest.param("[::1]443", "malformed IPv6", id="TPL-12-ipv6-port"),
        pytest.param("[fe80::1%eth0]:1", "no IPv6", id="TPL-12-ipv6-zone"),
        pytest.param("[127.0.0.1]", "no IPv6", id="TPL-12-ipv4-in-brackets"),
        pytest.param("127.1", "no IPv4", id="TPL-12-short-ipv4"),
        pytest.param("2130706433", "no IPv4", id="TPL-12-number-ipv4"),
        pytest.param("0x7f.0.0.0x1", "no IPv4", id="TPL-12-hex-ipv4"),
        pytest.param("0177.0.0.1", "no IPv4", id="TPL-12-octal-ipv4"),
        pytest.param("host..example", "DNS name", id="TPL-12-empty-label"),
        pytest.param("host.example.", "DNS name", id="TPL-12-trailing-dot"),
        pytest.param("-host", "DNS name", id="TPL-12-hyphen"),
        pytest.param("host%2eexample", "DNS name", id="TPL-12-percent"),
        pytest.param("a,b", "DNS name", id="TPL-12-comma"),
        pytest.param("host\\evil", "a backslash", id="TPL-12-backslash"),
        pytest.param("a" * 64, "DNS name", id="TPL-12-label-64"),
    ],
)
def test_tpl_12_bad_endpoint(text: str, part: str) -> None:
    if not part:
        assert Endpoint.parse(text).host == "host"
        return
    with pytest.raises(ValueError, match=part.replace("+", r"\+")) as caught:
        channel_options(text)
    assert CANARY not in str(caught.value)


def test_tpl_12_endpoint_of_wrong_type() -> None:
    with pytest.raises(ValueError, match="must be str, not bytes"):
        channel_options(b"host")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("http://127.0.0.1", True),
        ("http://127.255.0.3:1", True),
        ("http://[::1]", True),
        ("http://LOCALHOST", True),
        ("http://localhost.localdomain", False),
        ("http://sub.localhost", False),
        ("http://127.0.0.1.evil", False),
        ("http://[::ffff:127.0.0.1]", False),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_literal(text: str, *, loopback: bool) -> None:
    assert Endpoint.parse(text).is_loopback is loopback


@pytest.mark.parametrize(
    ("host", "google"),
    [
        ("earthengine.googleapis.com", True),
        ("EARTHENGINE-highvolume.GoogleAPIs.com", True),
        ("earthengine.mtls.googleapis.com", True),
        ("googleapis.com", False),
        ("evilgoogleapis.com", False),
        ("earthengine.googleapis.com.evil", False),
        ("earthengine.googleapis.comx", False),
    ],
)
def test_google_is_compared_by_label(host: str, *, google: bool) -> None:
    assert Endpoint.parse(host).is_google is google


# --- the whole record ------------------------------------------------------------------------------------------------


def test_defaults() -> None:
    options = channel_options(credentials=google.auth.credentials.AnonymousCredentials())
    assert options.endpoint.origin == "https://earthengine.googleapis.com"
    assert (options.transport, options.api_version, options.credentials) == ("auto", "v1alpha", None)
    assert options.max_message_bytes == 134217728
    assert options.pool_size == 64
    assert dict(options.grpc_arguments) == {
        "grpc.max_receive_message_length": 134217728,
        "grpc.max_send_message_length": -1,
        "grpc.keepalive_time_ms": 30000,
        "grpc.keepalive_timeout_ms": 10000,
        "grpc.keepalive_permit_without_calls": 0,
        "grpc.http2.ping_timeout_ms": 40_000,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.primary_user_agent": USER_AGENT,
    }
    assert Endpoint.parse(HIGH_VOLUME_ENDPOINT).is_google


def test_options_reach_their_fields() -> None:
    options = channel_options(
        "http://127.0.0.1:1",
        transport="rest",
        api_version="v1",
        options=[
            ("grpc.max_receive_message_length", 1000),
            ("grpc.max_send_message_length", 2000),
            ("grpc.keepalive_time_ms", 10),
            ("grpc.enable_retries", False),
            ("grpc.primary_user_agent", "me"),
            ("grpc.something_new", "x"),
            ("eegrpc.pool_size", 3),
            ("eegrpc.quota_project", "my-project"),
            ("eegrpc.allow_auth_metadata", True),
            ("eegrpc.fallback_reprobe_seconds", 5),
        ],
    )
    assert (options.max_message_bytes, options.max_request_bytes, options.pool_size) == (1000, 2000, 3)
    assert (options.quota_project, options.allow_auth_metadata) == ("my-project", True)
    assert options.fallback_reprobe_seconds == 5.0
    assert options.grpc_options == (
        ("grpc.enable_retries", 0),
        ("grpc.primary_user_agent", "me"),
        ("grpc.something_new", "x"),
    )
    names = [name for name, _ in options.grpc_arguments]
    assert len(names) == len(set(names))
    assert dict(options.grpc_arguments)["grpc.keepalive_time_ms"] == 10
    assert dict(options.grpc_arguments)["grpc.primary_user_agent"] == "me"


def test_unlimited_requests() -> None:
    options = channel_options("http://127.0.0.1:1", options=[("grpc.max_send_message_length", -1)])
    assert options.max_request_bytes is None


_POLICY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def _config(**changes: object) -> str:
    return json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": {**_POLICY, **changes}}]})


def test_good_service_config() -> None:
    text = json.dumps(
        {
            "methodConfig": [{"name": [{}], "timeout": "5s", "waitForReady": True, "retryPolicy": _POLICY}],
            "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
            "loadBalancingConfig": [{"round_robin": {}}],
        }
    )
    assert channel_options("http://[::1]:1", options=[("grpc.service_config", text)]).grpc_options == (
        ("grpc.service_config", text),
    )


@pytest.mark.parametrize(
    ("option", "text"),
    [
        pytest.param(("eegrpc.poolsize", 1), "unknown", id="GRP-17-unknown"),
        pytest.param(("SingleThreadedUnaryStream", 1), "unknown", id="GRP-17-not-ours"),
        pytest.param(("grpc.max_receive_message_length", -1), "unfold", id="GRP-17-unlimited"),
        pytest.param(("grpc.max_receive_message_length", 0), "whole number", id="GRP-17-receive-0"),
        pytest.param(("grpc.max_receive_message_length", "1"), "whole number", id="GRP-17-receive-str"),
        pytest.param(("grpc.max_receive_message_length", True), "whole number", id="GRP-17-receive-bool"),
        pytest.param(("grpc.max_receive_message_length", 1 << 31), "whole number", id="GRP-17-receive-int32"),
        pytest.param(("grpc.max_send_message_length", -2), "whole number", id="GRP-17-send"),
        pytest.param(("grpc.keepalive_time_ms", "30000"), "whole number", id="GRP-17-keepalive-str"),
        pytest.param(("grpc.keepalive_time_ms", 29_999), "too_many_pings", id="GRP-17-keepalive-fast"),
        pytest.param(("grpc.initial_reconnect_backoff_ms", 1.5), "whole number", id="GRP-17-float"),
        pytest.param(("grpc.http2.max_frame_size", "x"), "whole number", id="GRP-17-http2"),
        pytest.param(("grpc.enable_retries", 2), "True or False", id="GRP-17-flag"),
        pytest.param(("grpc.lb_policy_name", 1), "must be a str", id="GRP-17-text"),
        pytest.param(("grpc.anything", None), "int, str or bytes", id="GRP-17-none"),
        pytest.param(("grpc.anything", 1 << 40), "whole number", id="GRP-17-int64"),
        pytest.param(("eegrpc.pool_size", 0), "whole number", id="GRP-17-pool"),
        pytest.param(("eegrpc.quota_project", "a b"), "project id", id="GRP-17-project"),
        pytest.param(("eegrpc.quota_project", "a\r\nb"), "project id", id="GRP-17-project-crlf"),
        pytest.param(("eegrpc.quota_project", 1), "project id", id="GRP-17-project-type"),
        pytest.param(("eegrpc.scopes", "https://scope"), "sequence", id="GRP-17-scopes-str"),
        pytest.param(("eegrpc.scopes", []), "sequence", id="GRP-17-scopes-empty"),
        pytest.param(("eegrpc.scopes", ["a b"]), "sequence", id="GRP-17-scopes-space"),
        pytest.param(("eegrpc.allow_auth_metadata", "yes"), "True or False", id="GRP-17-allow"),
        pytest.param(("eegrpc.fallback_reprobe_seconds", float("nan")), "seconds", id="GRP-17-nan"),
        pytest.param(("eegrpc.fallback_reprobe_seconds", float("inf")), "seconds", id="GRP-17-inf"),
        pytest.param(("eegrpc.fallback_reprobe_seconds", -1), "seconds", id="GRP-17-negative"),
        pytest.param("grpc.x", "pairs", id="GRP-17-no-pair"),
        pytest.param((1, 2), "pairs", id="GRP-17-name-type"),
        pytest.param(("grpc.service_config", "{"), "is not JSON", id="GRP-17-config-json"),
        pytest.param(("grpc.service_config", {}), "must be a str", id="GRP-17-config-dict"),
        pytest.param(("grpc.service_config", "[]"), "not a JSON object", id="GRP-17-config-list"),
        pytest.param(("grpc.service_config", '{"methodConfig": {}}'), "not a list", id="GRP-17-config-methods"),
        pytest.param(("grpc.service_config", '{"methodConfig": [1]}'), r"\[0\] is not", id="GRP-17-config-method"),
        pytest.param(("grpc.service_config", '{"methodConfig": [{}]}'), "name is not", id="GRP-17-config-name"),
        pytest.param(("grpc.service_config", _config(maxAttempts=1)), "maxAttempts", id="GRP-17-config-attempts"),
        pytest.param(("grpc.service_config", _config(initialBackoff=1)), "initialBackoff", id="GRP-17-config-backoff"),
        pytest.param(("grpc.service_config", _config(maxBackoff="0s")), "maxBackoff", id="GRP-17-config-zero"),
        pytest.param(
            ("grpc.service_config", _config(backoffMultiplier=0)), "Multiplier", id="GRP-17-config-multiplier"
        ),
        pytest.param(("grpc.service_config", _config(retryableStatusCodes=["X"])), "Codes", id="GRP-17-config-codes"),
        pytest.param(
            ("grpc.service_config", '{"retryThrottling": {"maxTokens": 1001, "tokenRatio": 1}}'),
            "at most 1000",
            id="GRP-17-config-throttling",
        ),
    ],
)
def test_grp_17_bad_option(option: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        channel_options(credentials=google.auth.credentials.AnonymousCredentials(), options=[option])  # type: ignore[list-item]


@pytest.mark.parametrize("name", ["grpc.service_config", "grpc.http_proxy", "grpc.anything", "eegrpc.quota_project"])
def test_grp_17_errors_do_not_quote_values(name: str) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        channel_options("http://[::1]", options=[(name, [CANARY])])
    assert CANARY not in str(caught.value)


def test_grp_17_option_given_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        channel_options("http://[::1]", options=[("eegrpc.pool_size", 1), ("eegrpc.pool_size", 1)])


@pytest.mark.parametrize("options", ["grpc.x", 5, {"grpc.x": 1}])
def test_grp_17_options_of_wrong_type(options: object) -> None:
    with pytest.raises(ValueError, match="sequence of"):
        channel_options("http://[::1]", options=options)  # type: ignore[arg-type]


def test_grp_17_bad_transport_and_version() -> None:
    with pytest.raises(ValueError, match="auto, grpc, rest"):
        channel_options("http://[::1]", transport="http")
    with pytest.raises(ValueError, match="v1alpha, v1beta, v1"):
        channel_options("http://[::1]", api_version="v2")


# --- credentials and where they may go -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("http://example.com", id="AUT-07-name"),
        pytest.param("http://localtest.me:8080", id="AUT-07-resolves-to-loopback"),
        pytest.param("http://127.0.0.1.evil", id="AUT-07-loopback-prefix"),
        pytest.param("http://localhost.evil", id="AUT-07-localhost-prefix"),
        pytest.param("http://localhost@evil", id="AUT-07-userinfo"),
        pytest.param("http://10.0.0.1", id="AUT-07-private"),
        pytest.param("http://[::ffff:127.0.0.1]", id="AUT-07-mapped"),
        pytest.param("http://earthengine.googleapis.com", id="AUT-07-google"),
    ],
)
@pytest.mark.parametrize("make", [user_credentials, lambda: google.auth.api_key.Credentials(CANARY)])
def test_aut_07_no_credentials_over_plaintext(endpoint: str, make: object) -> None:
    with pytest.raises(ValueError, match=r"plaintext|user name") as caught:
        channel_options(endpoint, credentials=make())  # type: ignore[operator]
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://localhost"])
def test_aut_07_loopback_takes_credentials(endpoint: str) -> None:
    credentials = user_credentials()
    assert channel_options(endpoint, credentials=credentials).credentials is credentials


def test_aut_07_anonymous_plaintext_is_fine() -> None:
    for nobody in (None, google.auth.credentials.AnonymousCredentials()):
        assert channel_options("http://emulator:8085", credentials=nobody).credentials is None


def test_aut_07_no_call_metadata_over_plaintext() -> None:
    with pytest.raises(ValueError, match="allow_auth_metadata with plaintext"):
        channel_options("http://emulator:8085", options=[("eegrpc.allow_auth_metadata", True)])


@pytest.mark.parametrize("value", ["127.0.0.1:8085", "http://127.0.0.1:8085", "http://127.0.0.1:8085/"])
@pytest.mark.parametrize("given", [None, user_credentials()])
def test_aut_08_emulator_is_anonymous(
    value: str, given: object, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/adc.json")
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", value)
    options = channel_options(credentials=given)
    assert options.credentials is None
    assert options.endpoint == Endpoint("http", "127.0.0.1", 8085)


def test_aut_08_explicit_endpoint_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", "emulator:8085")
    credentials = user_credentials()
    options = channel_options("https://gateway.example", credentials=credentials)
    assert (options.endpoint.host, options.credentials) == ("gateway.example", credentials)


def test_aut_08_empty_variable_is_no_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", "")
    assert channel_options(credentials=user_credentials()).endpoint.is_google


@pytest.mark.parametrize("value", ["https://host", "host:99999", "user@host", " host"])
def test_aut_08_bad_variable_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARTHENGINE_EMULATOR_HOST", value)
    with pytest.raises(ValueError, match="EARTHENGINE_EMULATOR_HOST"):
        channel_options()


def test_aut_09_options_tell_nothing() -> None:
    options = channel_options(
        "http://127.0.0.1:1",
        transport="grpc",
        credentials=user_credentials(),
        options=[("grpc.http_proxy", f"http://u:{CANARY}@p")],
    )
    assert CANARY not in f"{options} {options!r}"
    assert isinstance(options, ChannelOptions)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(options)
