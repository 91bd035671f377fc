"""A real OAuth token endpoint on loopback, which counts, can be held, and can be told what to answer."""

from __future__ import annotations

import datetime
import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from canaries import ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN
from google.oauth2.credentials import Credentials


class OAuthServer:
    """Answers every POST with a new access token, canary-access-1, -2, …"""

    def __init__(self) -> None:
        self.lifetime: int = 3600
        self.answers: deque[tuple[int, str, str]] = deque()
        """(status, content type, body) for the next requests, instead of a token."""
        self.arrived = threading.Semaphore(0)
        """Released once by every request."""
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self.count = 0
        self.answered = 0
        self.bodies: list[bytes] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/token"

    @property
    def newest(self) -> str:
        return f"{ACCESS_TOKEN}-{self.count}"

    def hold(self) -> None:
        """Take requests, but answer none until `release`."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def __enter__(self) -> OAuthServer:  # noqa: PYI034 (Self needs Python 3.11)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def user_credentials(self, token: str | None = None, **more: Any) -> Credentials:
        """Return user credentials that refresh here."""
        return Credentials(
            token,
            refresh_token=REFRESH_TOKEN,
            token_uri=self.url,
            client_id="client",
            client_secret=CLIENT_SECRET,
            **more,
        )

    def expired_credentials(self) -> Credentials:
        """Return user credentials whose token ended an hour ago."""
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)  # google-auth's are naive, in UTC
        return self.user_credentials(f"{ACCESS_TOKEN}-0", expiry=now - datetime.timedelta(hours=1))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with outer._lock:
                    outer.count += 1
                    outer.bodies.append(body)
                    number = outer.count
                outer.arrived.release()
                outer._open.wait()
                token = {
                    "access_token": f"{ACCESS_TOKEN}-{number}",
                    "expires_in": outer.lifetime,
                    "token_type": "Bearer",
                }
                status, kind, text = (
                    outer.answers.popleft() if outer.answers else (200, "application/json", json.dumps(token))
                )
                try:
                    self.send_response(status)
                    self.send_header("content-type", kind)
                    self.send_header("content-length", str(len(text.encode())))
                    self.end_headers()
                    self.wfile.write(text.encode())
                except OSError:
                    pass  # the client went away while it was held
                with outer._lock:
                    outer.answered += 1

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def join_refreshes() -> None:
    """Wait until no refresh is under way, in the background either."""
    for thread in threading.enumerate():
        if thread.name == "eegrpc-token":
            thread.join(20)
