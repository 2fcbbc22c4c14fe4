"""Headless Chromium as a person uses it: its DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = """--headless=new --no-sandbox --disable-gpu --no-first-run --remote-debugging-pipe
--disable-background-networking --hide-scrollbars --force-device-scale-factor=1""".split()
_PATIENCE = 60
_CODES = {"Escape": 27, "Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowRight": 39}


class Browser:
    """One run of Chromium, with a profile of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        found = os.environ.get("CHROME") or next(filter(None, map(shutil.which, _NAMES)), None)
        assert found, "install Chromium, or name one in $CHROME"
        ends = [*os.pipe(), *os.pipe()]
        # Out of the way of 3 and 4, where Chromium reads and writes.
        theirs, self._out, self._in, answers = (fcntl.fcntl(n, fcntl.F_DUPFD, 10) for n in ends)

        def wired() -> None:
            os.dup2(theirs, 3)
            os.dup2(answers, 4)

        command = [found, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, pass_fds=(3, 4), preexec_fn=wired, **quiet)
        for end in (*ends, theirs, answers):
            os.close(end)
        self._answers: queue.Queue[Any] = queue.Queue()
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def open(self, path: Path, *, dark: bool = False) -> Page:
        """A new page with a file in it, as a reader with a theme sees it."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = {"targetId": target, "flatten": True}
        session = self.call("Target.attachToTarget", attached)["sessionId"]
        page = Page(self, session, target, self._events.setdefault(session, []))
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.show(width=1280, height=900, dark=dark)
        page.call("Page.navigate", {"url": path.as_uri()})
        page.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        return page

    def call(self, method: str, params: Any = None, session: str = "") -> Any:
        """What a method of the protocol answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._answers.get(timeout=_PATIENCE)
            if answer["id"] == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._out)

    def _read(self) -> None:
        with os.fdopen(self._in, "rb") as stream:
            waiting = b""
            while data := stream.read1(1 << 20):
                *whole, waiting = (waiting + data).split(b"\0")
                for message in map(json.loads, whole):
                    if "id" in message:
                        self._answers.put(message)
                    else:
                        self._events.setdefault(message.get("sessionId", ""), []).append(message)


class Page:
    """A page that is open: what is in it, and a keyboard and a pointer for it."""

    def __init__(
        self, browser: Browser, session: str, target: str, events: list[dict[str, Any]]
    ) -> None:
        self.browser, self.session, self.target, self.events = browser, session, target, events

    def call(self, method: str, params: Any = None) -> Any:
        return self.browser.call(method, params, self.session)

    def close(self) -> None:
        self.browser.call("Target.closeTarget", {"targetId": self.target})

    def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript, waited for."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until an expression holds; fails after a while."""
        for _ in range(400):
            if self.ask(expression):
                return
            self.ask("new Promise(done => setTimeout(done, 25))")
        raise AssertionError(f"never: {expression}")

    def show(self, *, width: int, height: int, dark: bool = False, media: str = "") -> None:
        """The size of the window, and what the reader prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", size)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", {"media": media, "features": [theme]})

    def press(self, *keys: str) -> None:
        for key in keys:
            event = {"key": key, "windowsVirtualKeyCode": _CODES.get(key, ord(key[0].upper()))}
            text = (
                {"text": "\r" if key == "Enter" else key} if key == "Enter" or key[1:] == "" else {}
            )
            self.call("Input.dispatchKeyEvent", {"type": "keyDown", **event, **text})
            self.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def point(self, x: float, y: float, **more: Any) -> None:
        """Moves the pointer; with ``deltaY``, turns its wheel there."""
        kind = "mouseWheel" if more else "mouseMoved"
        wheel = {"deltaX": 0, **more} if more else {}
        self.call("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **wheel})

    def click(self, x: float, y: float) -> None:
        self.drag((x, y), (x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Presses the button at one point, and lets it go at another."""
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        steps = (("mouseMoved", start, {}), ("mousePressed", start, held))
        steps += (("mouseMoved", end, {"buttons": 1}), ("mouseReleased", end, held))
        for kind, (x, y), more in steps:
            self.call("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def centre(self, query: str) -> tuple[float, float]:
        """The middle of the first element that is found and shown."""
        found = f"[...document.querySelectorAll({json.dumps(query)})]"
        box = f"{found}.find(e => e.getClientRects().length).getBoundingClientRect()"
        x, y = self.ask(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        return x, y

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"])

    @property
    def complaints(self) -> list[Any]:
        """Everything that the console was told, and every exception."""
        self.ask("1")
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [event["params"] for event in self.events if event["method"] in kinds]

    @property
    def requests(self) -> list[str]:
        """The addresses of everything that was asked for."""
        self.ask("1")
        sent = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]
