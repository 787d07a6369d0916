#!/usr/bin/env python3
"""Ops among three real sites beside the same bytes through a NATS server, as a message fabric.

    run.py --shoal .build/release/shoal [--ops 2000] [--paced 200]

The two do not do the same. A NATS server forwards what one client publishes to two that listen; nobody signs or checks, and
without JetStream nothing is stored. A site of shoal signs an op, syncs it into its journal and its PostgreSQL, sends it over
TLS to both others, and each of them checks signature, place and content and commits it to its own PostgreSQL before it counts as
there. The distance between them is what that costs.

* latency: one op (a price, asked for over HTTP) every 50 ms, from the request until both others have it in their database;
  one message every 50 ms, from the write until both listeners have it. JetStream: a file, and the acknowledgement besides.
* throughput: as many as can be, until both others have all of them. Messages have the mean size of the ops' envelopes.
"""
import argparse
import concurrent.futures
import json
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/Check"))
from site_of import events, founders, free_port  # noqa: E402

PATIENCE = 120
PACE = 0.05
SENDERS = 8


def times(values):
    ordered = sorted(1_000 * value for value in values)
    return {
        "p50_ms": round(statistics.median(ordered), 3), "p90_ms": round(ordered[int(len(ordered) * 0.9)], 3),
        "max_ms": round(ordered[-1], 3),
    }


# MARK: shoal


class Watcher(threading.Thread):
    """Notes when a site had which op in its database."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.stream = urllib.request.urlopen(site.http + "/api/events", timeout=3_600)
        self.seen = {}
        self.start()

    def run(self):
        for name, event in events(self.stream):
            if name == "op":
                self.seen.setdefault(event["id"], time.monotonic())


def ask_price(site, number):
    body = json.dumps({"agent": f"agent-{number}", "cost": "0.25"}).encode()
    request = urllib.request.Request(
        site.http + "/api/koi/prices", data=body, headers={"content-type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())["op"]


def wait_for(what, message):
    limit = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > limit:
            sys.exit(message)
        time.sleep(0.005)


def shoal(options):
    with founders(options.shoal, ["one", "two", "three"]) as sites:
        wait_for(
            lambda: all(sum(peer["connected"] for peer in site.get("/api/peers")) == 2 for site in sites),
            "the sites do not meet")
        watchers = [Watcher(site) for site in sites[1:]]
        ask_price(sites[0], 0)  # the log is opened once
        time.sleep(1)
        ways = []
        for number in range(1, options.paced + 1):
            begin = time.monotonic()
            op = ask_price(sites[0], number)
            wait_for(lambda op=op: all(op in watcher.seen for watcher in watchers), "an op does not arrive")
            ways.append(max(watcher.seen[op] for watcher in watchers) - begin)
            time.sleep(max(0, begin + PACE - time.monotonic()))
        received = sites[1].get("/api/status")["traffic"]["bytes_received"]
        begin = time.monotonic()
        numbers = range(10_000, 10_000 + options.ops)
        with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
            ops = list(pool.map(lambda number: ask_price(sites[0], number), numbers))
        signed = time.monotonic()
        wait_for(lambda: all(all(op in watcher.seen for op in ops) for watcher in watchers), "ops do not arrive")
        everywhere = max(watcher.seen[op] for watcher in watchers for op in ops)
        size = (sites[1].get("/api/status")["traffic"]["bytes_received"] - received) / options.ops
        return {
            "latency": times(ways), "ops": options.ops, "signed_per_second": round(options.ops / (signed - begin)),
            "everywhere_per_second": round(options.ops / (everywhere - begin)), "bytes_received_per_op": round(size),
        }


# MARK: NATS


class Client:
    """As much of NATS' protocol as is needed."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.send(b'CONNECT {"verbose":false,"pedantic":false}\r\n')

    def send(self, data):
        self.socket.sendall(data)

    def subscribe(self, subject):
        self.send(b"SUB %s 1\r\nPING\r\n" % subject)
        while self.file.readline() != b"PONG\r\n":
            pass

    def message(self):
        while True:
            line = self.file.readline()
            if line.startswith(b"MSG"):
                return self.file.read(int(line.split()[-1]) + 2)[:-2]
            if line == b"PING\r\n":
                self.send(b"PONG\r\n")


class Listener(threading.Thread):
    def __init__(self, port, subject):
        super().__init__(daemon=True)
        self.client, self.count, self.last = Client(port), 0, 0.0
        self.client.subscribe(subject)
        self.start()

    def run(self):
        while True:
            self.client.message()
            self.last = time.monotonic()
            self.count += 1


def nats(options, size, stored):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shoal-nats-"))
    port = free_port()
    words = ["nats-server", "-a", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(
        words + (["-js", "-sd", str(folder)] if stored else []), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                publisher = Client(port)
                break
            except OSError:
                time.sleep(0.05)
        else:
            sys.exit("nats-server does not start")
        reply = b""
        if stored:
            reply = b"inbox "
            publisher.subscribe(b"inbox")
            stream = json.dumps({"name": "OPS", "subjects": ["ops"], "storage": "file"}).encode()
            publisher.send(b"PUB $JS.API.STREAM.CREATE.OPS inbox %d\r\n%s\r\n" % (len(stream), stream))
            if b'"error"' in (answer := publisher.message()):
                sys.exit(f"JetStream refuses: {answer.decode()}")
        listeners = [Listener(port, b"ops") for _ in range(2)]
        frame = b"PUB ops %s%d\r\n%s\r\n" % (reply, size, b"x" * size)
        ways = []
        for number in range(1, options.paced + 1):
            begin = time.monotonic()
            publisher.send(frame)
            if stored:
                publisher.message()
            acknowledged = time.monotonic()
            wait_for(lambda number=number: all(each.count >= number for each in listeners), "a message does not arrive")
            ways.append(max([acknowledged * stored, *[each.last for each in listeners]]) - begin)
            time.sleep(PACE)
        count = options.messages
        before = listeners[0].count
        begin = time.monotonic()
        for _ in range(count // 100):
            publisher.send(frame * 100)
            if stored:
                for _ in range(100):
                    publisher.message()
        wait_for(lambda: all(each.count - before >= count for each in listeners), "messages do not arrive")
        seconds = max(each.last for each in listeners) - begin
        return {"latency": times(ways), "messages": count, "everywhere_per_second": round(count / seconds)}
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--ops", type=int, default=2_000)
    parser.add_argument("--paced", type=int, default=200)
    parser.add_argument("--messages", type=int, default=50_000)
    options = parser.parse_args()
    if not shutil.which("nats-server"):
        sys.exit("nats-server is not installed: apt-get install nats-server")
    own = shoal(options)
    size = own["bytes_received_per_op"]
    report = {
        "bytes": size, "shoal": own, "nats": nats(options, size, False), "jetstream": nats(options, size, True),
    }
    print(json.dumps(report))


main()
