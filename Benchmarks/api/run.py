#!/usr/bin/env python3
"""Asks a site 200 times a second while it trains: status and predictions in turns, over eight open connections.

    run.py --shoal .build/release/shoal [--seconds 20] [--rate 200]

Each request has a time at which it is due, and its latency counts from there: a node that stands still for a moment
pays for all that came meanwhile. Exit code 1 when a figure is not reached: p99 of status 5 ms, of predictions 10 ms.
"""
import argparse
import http.client
import json
import os
import pathlib
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/Check"))
from site_of import network  # noqa: E402

WORKERS = 8
ASKED_MS = {"status": 5, "predict": 10}
PREDICT = json.dumps({"agent": "ward", "context": ["ibuprofen", "relieves"], "top": 10})


def ask(connection, kind):
    if kind == "status":
        connection.request("GET", "/api/status")
    else:
        connection.request("POST", "/api/models/predict", PREDICT, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{kind}: {answer.status} {body[:200]}")


def work(number, place, begin, options, latencies):
    connection = http.client.HTTPConnection(place)
    connection.connect()
    count = int(options.seconds * options.rate)
    for at in range(number, count, WORKERS):
        due = begin + at / options.rate
        time.sleep(max(0, due - time.monotonic()))
        kind = ("status", "predict")[at // WORKERS % 2]
        ask(connection, kind)
        latencies[kind].append((time.monotonic() - due) * 1_000)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=200)
    options = parser.parse_args()
    latencies = {"status": [], "predict": []}
    with network(options.shoal) as (site,):
        site.run("model", "train", "--agent", "ward", "--rounds", "1")
        place = urllib.parse.urlsplit(site.http).netloc
        training = threading.Thread(
            target=site.run, args=("model", "train", "--agent", "ward", "--rounds", "10000", "--steps", "100"),
            kwargs={"code": None}, daemon=True)
        training.start()
        time.sleep(2)
        begin = time.monotonic() + 0.5
        threads = [
            threading.Thread(target=work, args=(number, place, begin, options, latencies)) for number in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        state = site.get("/api/models/ward/info")["training"]
    print(f"load of the machine: {os.getloadavg()[0]:.1f}; the node trained: round {state['round']}, {state['state']}")
    missed = False
    for kind, asked in ASKED_MS.items():
        sorted_ms = sorted(latencies[kind])
        p50, p99 = (sorted_ms[min(len(sorted_ms) - 1, int(len(sorted_ms) * share))] for share in (0.5, 0.99))
        missed = missed or p99 > asked
        print(f"{kind}: {len(sorted_ms)} requests, p50 {p50:.1f} ms, p99 {p99:.1f} ms (asked: p99 {asked} ms), "
              f"most {sorted_ms[-1]:.1f} ms")
    sys.exit(1 if missed else 0)


main()
