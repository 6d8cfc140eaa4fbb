"""A small server on this machine, and files that are pinned to what it gives."""

import hashlib
import http.server
from collections.abc import Iterator
from pathlib import Path

from benchsuite.sources._source import Folder, Imported, PinnedFile, Source

CONTENT = b"some numbers" * 20_000


class Server(http.server.ThreadingHTTPServer):
    """What it was asked for, by path, and its address."""

    hits: dict[str, int]
    address: str


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        hits = self.server.hits  # type: ignore[attr-defined]  # of a Server
        hits[self.path] = hits.get(self.path, 0) + 1
        kind = self.path.strip("/").partition("/")[0]
        if kind == "absent" or (kind == "flaky" and hits[self.path] < 3):
            self.send_error(404 if kind == "absent" else 503)
            return
        body = CONTENT if kind != "wrong" else CONTENT[::-1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if kind == "cut" else body)

    def log_message(self, *_: object) -> None:
        pass


def pin(server: Server, *kinds: str, path: str = "owner/name/data.bin") -> PinnedFile:
    urls = tuple(f"{server.address}/{kind}/data.bin" for kind in kinds)
    return PinnedFile(path, urls, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


def source(*files: PinnedFile) -> Source:
    def nothing(folder: Folder) -> Iterator[Imported]:
        return iter(())

    return Source("example", "nobody", "MIT", files, nothing)


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
