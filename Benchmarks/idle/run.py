#!/usr/bin/env python3
"""Holds many idle HTTP connections open at one node, and reads how much memory the node has.

    run.py --shoal .build/release/shoal [--connections 10000] [--seconds 10]

Every second connection has asked once and is kept alive, the others have never said a word: both kinds cost memory, and
not the same. While all are open, a new client must still be answered. Exit code 1 above 200 MiB, or if a connection
is refused or closed.
"""
import argparse
import http.client
import pathlib
import resource
import select
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/Check"))
from site_of import network  # noqa: E402

ASKED_MIB = 200
REQUEST = b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def memory_mib(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the node has gone")


def files(pid):
    for line in open(f"/proc/{pid}/limits"):
        if line.startswith("Max open files"):
            return line.split()[3:5]


def read_answer(connection):
    """Until the body is there that the head announces."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise SystemExit("the node closes a connection instead of answering")
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = next(int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < options.connections + 1_200:
        raise SystemExit(f"this machine allows {hard} open files: too few for {options.connections} connections")
    # The node begins as a session does, with few: it must raise its own limit.
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    with network(options.shoal) as (site,):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        pid = site.process.pid
        place = urllib.parse.urlsplit(site.http)
        site.get("/api/status")
        before = memory_mib(pid)
        held = []
        begin = time.monotonic()
        for number in range(options.connections):
            try:
                connection = socket.create_connection((place.hostname, place.port), timeout=10)
                if number % 2 == 0:
                    connection.sendall(REQUEST)
                    read_answer(connection)
            except OSError as error:
                raise SystemExit(f"connection {number + 1} is not served: {error} (files of the node: {files(pid)})")
            held.append(connection)
        opened = time.monotonic() - begin
        time.sleep(options.seconds)
        during = memory_mib(pid)
        asked = time.monotonic()
        fresh = http.client.HTTPConnection(place.netloc, timeout=10)
        fresh.request("GET", "/api/status")
        assert fresh.getresponse().status == 200
        answered = (time.monotonic() - asked) * 1_000
        poll = select.poll()
        for connection in held:
            poll.register(connection, select.POLLIN | select.POLLHUP)
        closed = len(poll.poll(0))
        for connection in held:
            connection.close()
        print(
            f"{len(held):,} idle connections, opened in {opened:.1f} s: {during:.0f} MiB (asked: {ASKED_MIB} MiB), "
            f"{before:.0f} MiB without; {(during - before) * 1024 / len(held):.1f} KiB each")
        print(f"closed meanwhile: {closed}; a new client is answered in {answered:.1f} ms; files: {files(pid)[0]}")
        print("reached" if during <= ASKED_MIB and not closed else "NOT reached")
        sys.exit(0 if during <= ASKED_MIB and not closed else 1)


if __name__ == "__main__":
    main()
