"""A server of pinned files, and places to find and to keep them."""

import threading

import pytest
from pinned_files import Handler, Server

from benchsuite.sources._public_files import Places


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as running:
        running.hits = {}
        running.address = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def where(tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    return Places(drop, tmp_path / "cache")
