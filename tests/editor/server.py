"""The yaml-language-server as an editor drives it: its protocol over stdin and stdout."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parents[2] / "out/editor/node_modules/.bin/yaml-language-server"
CURSOR = "█"
_SETTINGS = {"completion": True, "hover": True, "validate": True, "schemaStore": {"enable": False}}
_PATIENCE = 30


class Server:
    """One run of the server, in a folder; texts are opened as files of that folder.

    What completion offers is a dict from the word to the text it inserts and its documentation.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [str(SERVER), "--stdio"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answers: queue.Queue[Any] = queue.Queue()
        self.told: queue.Queue[Any] = queue.Queue()
        self.number = 0
        threading.Thread(target=self._read, daemon=True).start()
        snippets = {"completion": {"completionItem": {"snippetSupport": True}}}
        capabilities = {"workspace": {"configuration": True}, "textDocument": snippets}
        self.request(
            "initialize",
            {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities},
        )
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": {"yaml": _SETTINGS}})

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def completions(self, text: str) -> dict[str, tuple[str, str]]:
        """What is offered at the cursor: by word, what it inserts and what is said of it."""
        found = self._at_cursor("textDocument/completion", text) or {"items": []}
        return {
            item["label"]: (item.get("insertText", item["label"]), _plain(item))
            for item in found["items"]
        }

    def hover(self, text: str) -> str:
        """What is said of the word under the cursor."""
        found = self._at_cursor("textDocument/hover", text) or {"contents": {"value": ""}}
        said: str = found["contents"]["value"]
        return said

    def diagnostics(self, text: str) -> list[tuple[int, int, str]]:
        """What is underlined: line, column (counted from 0) and words."""
        uri = self._open(text)
        while True:
            told = self.told.get(timeout=_PATIENCE)
            if told["uri"] == uri:
                return [
                    (d["range"]["start"]["line"], d["range"]["start"]["character"], d["message"])
                    for d in told["diagnostics"]
                ]

    def _at_cursor(self, method: str, text: str) -> Any:
        before, _, after = text.partition(CURSOR)
        lines = before.split("\n")
        place = {"line": len(lines) - 1, "character": len(lines[-1])}
        uri = self._open(before + after)
        return self.request(method, {"textDocument": {"uri": uri}, "position": place})

    def _open(self, text: str) -> str:
        self.number += 1
        uri = (self.folder / f"spec{self.number}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def request(self, method: str, params: Any) -> Any:
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        while True:
            answer = self.answers.get(timeout=_PATIENCE)
            if answer["id"] == self.number:
                return answer.get("result")

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout
        while header := self.process.stdout.readline():
            length = int(header.partition(b":")[2])
            while self.process.stdout.readline().strip():
                pass
            message = json.loads(self.process.stdout.read(length))
            if message.get("method") == "textDocument/publishDiagnostics":
                self.told.put(message["params"])
            elif "method" in message and "id" in message:
                self._send({"id": message["id"], "result": _configuration(message)})
            elif "id" in message:
                self.answers.put(message)


def _configuration(message: dict[str, Any]) -> Any:
    if message["method"] != "workspace/configuration":
        return None
    return [_SETTINGS if i["section"] == "yaml" else {} for i in message["params"]["items"]]


def _plain(item: dict[str, Any]) -> str:
    said = item.get("documentation") or ""
    return said if isinstance(said, str) else str(said.get("value", ""))
