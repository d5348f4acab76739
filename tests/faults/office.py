"""Somebody in the school's office with a browser that runs no scripts."""

import re

import requests

from tests.factory import PASSWORD
from tests.faults.running import Installation
from tests.waiting import wait_for

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="(expected|version)" value="(\d+)">')
SECONDS = 30


class Office:
    def __init__(self, here: Installation) -> None:
        self.url = f"http://127.0.0.1:{here.port}"
        self.session = requests.Session()
        wait_for(self._is_open, "the portal's start")
        answer = self.post("/accounts/login/", "/accounts/login/", login="alice", password=PASSWORD)
        assert "sessionid" in self.session.cookies, answer.text[:2000]

    def get(self, path: str) -> str:
        answer = self.session.get(self.url + path, timeout=SECONDS)
        assert answer.ok, f"{path}: {answer.status_code}"
        return answer.text

    def post(self, page: str, path: str, **data: str) -> requests.Response:
        """Press the button that posts to `path` on this page."""
        return self.press(path, {"csrfmiddlewaretoken": TOKEN.findall(self.get(page))[0], **data})

    def press(self, path: str, data: dict[str, str]) -> requests.Response:
        return self.session.post(self.url + path, data=data, timeout=SECONDS, headers={"Referer": self.url + path})

    def review(self, broadcast: int) -> dict[str, str]:
        """What Send Now on the review page posts."""
        text = self.get(f"/broadcasts/{broadcast}/review/")
        return {"csrfmiddlewaretoken": TOKEN.findall(text)[0], **dict(HIDDEN.findall(text))}

    def step(self, broadcast: int, deed: str, **data: str) -> requests.Response:
        """Pause, resume or cancel."""
        page = f"/broadcasts/{broadcast}/"
        answer = self.post(page, f"{page}{deed}/", **data)
        assert answer.ok, f"{deed}: {answer.status_code}"
        return answer

    def _is_open(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=SECONDS).ok
        except requests.ConnectionError:
            return False
