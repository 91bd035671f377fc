"""When tokens are fetched, kept, shared and replaced, on a real token endpoint."""

import asyncio
import datetime
import subprocess
import sys
import threading
from pathlib import Path

import google.auth.api_key
import grpc
import pytest
from canaries import no_canaries
from credential_doubles import GATEWAY, GOOGLE, bearer
from oauth_server import OAuthServer, join_refreshes
from retry_doubles import Clock

from eegrpc._credentials import CredentialsError, resolve_credentials
from eegrpc._tokens import TokenSource


def test_anonymous_sends_nothing() -> None:
    source = TokenSource(None, quota_project="p")
    assert source.metadata(0) == ()
    assert not source.invalidate(())
    assert not source.refreshable


def test_a_token_is_fetched_once_and_kept(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials(quota_project_id="billed"))
    expected = (*bearer("canary-access-1"), ("x-goog-user-project", "billed"))
    assert source.metadata(20) == source.metadata(None) == expected
    assert oauth.count == 1
    assert b"refresh_token=canary-refresh-token" in oauth.bodies[0]


def test_the_option_overrides_the_quota_project(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials(quota_project_id="billed"), quota_project="other")
    assert dict(source.metadata(20))["x-goog-user-project"] == "other"


def test_service_accounts_fetch_tokens_too(oauth: OAuthServer, service_account: dict[str, str]) -> None:
    source = TokenSource(resolve_credentials({**service_account, "token_uri": oauth.url}, endpoint=GATEWAY))
    assert source.metadata(20) == bearer("canary-access-1")
    assert b"assertion=" in oauth.bodies[0]


def test_a_token_at_hand_is_used(oauth: OAuthServer) -> None:
    assert TokenSource(oauth.user_credentials("at-hand")).metadata(0) == bearer("at-hand")
    past = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - datetime.timedelta(seconds=1)
    assert TokenSource(oauth.user_credentials("old", expiry=past)).metadata(20) == bearer("canary-access-1")


def test_aut_02_an_expired_token_is_replaced_before_the_call(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    assert source.metadata(20) == bearer("canary-access-1")
    clock.now += 3601
    assert source.metadata(20) == bearer("canary-access-2")
    assert oauth.count == 2


def test_aut_02_a_token_near_its_end_serves_while_the_next_is_fetched(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    source.metadata(20)
    oauth.arrived.acquire()
    oauth.hold()
    clock.now += 3600 - 40
    for _ in range(20):
        assert source.metadata(0) == bearer("canary-access-1")
    assert oauth.arrived.acquire(timeout=20)  # one refresh is on its way
    assert source.metadata(0) == bearer("canary-access-1")
    oauth.release()
    clock.now += 45  # whoever needs a new token now joins that refresh
    assert source.metadata(20) == bearer("canary-access-2")
    assert oauth.count == 2


def test_aut_02_a_failed_early_refresh_disturbs_nobody(oauth: OAuthServer, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    source.metadata(20)
    oauth.answers.append((400, "application/json", '{"error": "invalid_grant", "error_description": "canary-key"}'))
    clock.now += 3500
    assert source.metadata(0) == bearer("canary-access-1")
    join_refreshes()
    assert source.metadata(0) == bearer("canary-access-1")
    assert oauth.count == 2  # and not one for each call
    assert "early token refresh failed: UNAUTHENTICATED" in caplog.text
    no_canaries(caplog.text)
    clock.now += 31
    source.metadata(0)
    join_refreshes()
    assert source.metadata(0) == bearer("canary-access-3")


def test_aut_03_500_threads_one_refresh(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.expired_credentials())
    oauth.hold()
    ready = threading.Semaphore(0)
    got: list[object] = []

    def call() -> None:
        ready.release()
        got.append(source.metadata(60))

    threads = [threading.Thread(target=call) for _ in range(500)]
    for thread in threads:
        thread.start()
    for _ in threads:
        ready.acquire()
    oauth.release()
    for thread in threads:
        thread.join()
    assert got == [bearer("canary-access-1")] * 500
    assert oauth.count == 1


async def test_aut_03_500_tasks_one_refresh(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.expired_credentials())
    oauth.hold()
    tasks = [asyncio.create_task(source.metadata_async(60)) for _ in range(500)]
    await asyncio.sleep(0)
    oauth.release()
    assert await asyncio.gather(*tasks) == [bearer("canary-access-1")] * 500
    assert oauth.count == 1


def test_aut_04_a_hanging_refresh_ends_waits_on_time(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials())
    oauth.hold()
    for timeout in (0.05, 0.0, -1.0):
        with pytest.raises(CredentialsError) as caught:
            source.metadata(timeout)
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    oauth.release()
    assert source.metadata(20) == bearer("canary-access-1")


async def test_aut_04_a_cancelled_waiter_leaves_the_refresh_to_others(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials())
    oauth.hold()
    first, second = (asyncio.create_task(source.metadata_async(60)) for _ in range(2))
    late = asyncio.create_task(source.metadata_async(0.05))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    with pytest.raises(CredentialsError) as caught:
        await late
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    oauth.release()
    assert await second == bearer("canary-access-1")
    assert oauth.count == 1


def test_aut_04_an_abandoned_refresh_is_replaced(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    oauth.hold()
    with pytest.raises(CredentialsError):
        source.metadata(0)
    oauth.arrived.acquire()
    clock.now += 61
    with pytest.raises(CredentialsError):
        source.metadata(0)
    assert oauth.arrived.acquire(timeout=20)
    oauth.release()
    assert source.metadata(20)[0][1].startswith("Bearer canary-access-")


_FORK = """
import os, sys, threading
sys.path.insert(0, sys.argv[2])
from google.oauth2.credentials import Credentials
from eegrpc._tokens import TokenSource

source = TokenSource(Credentials(None, refresh_token="r", token_uri=sys.argv[1], client_id="c", client_secret="s"))
waiting = threading.Thread(target=source.metadata, args=(None,), daemon=True)
waiting.start()
sys.stdin.readline()  # the refresh hangs now, in a thread that no child will have
state = source._state
with state.lock:
    pid = os.fork()
if pid == 0:
    print(source.metadata(20)[0][1] == sys.argv[3], flush=True)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
os._exit(0)
"""


def test_aut_06_a_forked_child_refreshes_by_itself(oauth: OAuthServer) -> None:
    oauth.hold()
    child = subprocess.Popen(
        [sys.executable, "-c", _FORK, oauth.url, str(Path(__file__).parent), "Bearer canary-access-2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert oauth.arrived.acquire(timeout=60)
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    assert oauth.arrived.acquire(timeout=60)  # the child asks for a token of its own
    oauth.release()
    out, _ = child.communicate(timeout=60)
    assert out == "True\n"


def test_a_forked_child_inherits_a_good_token(oauth: OAuthServer) -> None:
    source = TokenSource(oauth.user_credentials())
    source.metadata(20)
    source._after_fork()
    assert source.metadata(0) == bearer("canary-access-1")


def test_a_refused_token_is_dropped_once(oauth: OAuthServer) -> None:
    clock = Clock()
    source = TokenSource(oauth.user_credentials(), clock=clock)
    first = source.metadata(20)
    assert all(source.invalidate(first) for _ in range(40))  # 40 calls in flight hear the same
    second = source.metadata(20)
    assert second != first
    assert source.invalidate(first)  # a straggler: another token is there
    assert source.metadata(0) == second
    assert not source.invalidate(second)  # too early to force again
    assert source.metadata(0) == second
    clock.now += 30
    assert source.invalidate(second)
    assert source.metadata(20) == bearer("canary-access-3")


def test_aut_14_refusals_for_ever_and_tokens_born_dead(oauth: OAuthServer) -> None:
    clock = Clock()
    oauth.lifetime = 1
    source = TokenSource(oauth.user_credentials(), clock=clock)
    for _ in range(600):  # ten minutes, a refused call every second
        sent = source.metadata(20)
        join_refreshes()
        if source.invalidate(sent):
            source.invalidate(source.metadata(20))
        clock.now += 1
    assert oauth.count <= 600 / 30 + 2


def test_invalidate_is_for_refreshable_tokens() -> None:
    source = TokenSource(google.auth.api_key.Credentials("canary-key"))
    assert not source.invalidate(source.metadata(0))


def test_aut_12_an_api_key_is_a_header_and_nothing_else() -> None:
    key = resolve_credentials(google.auth.api_key.Credentials("canary-key"), endpoint=GOOGLE)
    assert TokenSource(key).metadata(0) == (("x-goog-api-key", "canary-key"),)
    assert dict(TokenSource(key, quota_project="p").metadata(0))["x-goog-user-project"] == "p"
