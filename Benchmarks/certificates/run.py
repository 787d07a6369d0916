#!/usr/bin/env python3
"""How long a quorum takes to certify something, on seven real sites.

    run.py --shoal .build/release/shoal [--sites 7] [--payments 60] [--limit 300]

Real processes, sockets and a PostgreSQL a site, all on this machine, nothing else to do. Sites pay each other in turn; each
payment is asked about by its payer (an op), answered by the electors on what they hold (a vote is an op; nothing is
measured) and certified. Two times of each, from the events of the sites:

* certified: from the question until the payer has applied the certificate;
* everywhere: until the last site has.

Each op is signed, synced into the sign journal and a PostgreSQL transaction at its author, before it is sent, and again in
a transaction at whoever receives it. Exit code 1 if the median of the first is beyond the limit, or a payment is not
certified within a minute.
"""
import argparse
import json
import pathlib
import statistics
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/Check"))
from site_of import events, founders  # noqa: E402

PATIENCE = 60


class Watcher(threading.Thread):
    """Notes when a site applied which op."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.stream = urllib.request.urlopen(site.http + "/api/events", timeout=3_600)
        self.seen = []
        self.start()

    def run(self):
        for name, event in events(self.stream):
            if name == "op":
                self.seen.append((time.monotonic(), event))

    def first(self, since, kind, op=None):
        return next(
            (at for at, event in list(self.seen) if at >= since and event["kind"] == kind and op in (None, event["id"])),
            None)

    def certificate(self, since):
        return next((event["id"] for at, event in list(self.seen) if at >= since and event["kind"] == "certificate"), None)


def wait(what, until):
    while until > time.monotonic():
        if (found := what()) is not None:
            return found
        time.sleep(0.002)
    return None


def pay(sites, watchers, turn):
    payer, watcher = sites[turn % len(sites)], watchers[turn % len(sites)]
    begin = time.monotonic()
    payer.run("koi", "send", "--to", sites[(turn + 1) % len(sites)].name, "0.01")
    end = begin + PATIENCE
    certificate = wait(lambda: watcher.certificate(begin), end)
    if certificate is None:
        return None
    asked = watcher.first(begin, "question")
    places = [wait(lambda each=each: each.first(begin, "certificate", certificate), end) for each in watchers]
    if asked is None or None in places:
        return None
    time.sleep(0.3)  # the next payment has nothing of this one beside it
    return watcher.first(begin, "certificate", certificate) - asked, max(places) - asked


def times(values):
    ordered = sorted(1_000 * value for value in values)
    return {
        "p50_ms": round(statistics.median(ordered), 1), "p90_ms": round(ordered[int(len(ordered) * 0.9)], 1),
        "max_ms": round(ordered[-1], 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--sites", type=int, default=7)
    parser.add_argument("--payments", type=int, default=60)
    parser.add_argument("--limit", type=float, default=300, help="milliseconds")
    options = parser.parse_args()
    with founders(options.shoal, [f"site-{number}" for number in range(1, options.sites + 1)]) as sites:
        limit = time.monotonic() + PATIENCE
        while any(sum(peer["connected"] for peer in site.get("/api/peers")) < options.sites - 1 for site in sites):
            if time.monotonic() > limit:
                sys.exit("the sites do not meet")
            time.sleep(0.2)
        watchers = [Watcher(site) for site in sites]
        pay(sites, watchers, 0)  # logs are opened once
        found = []
        for turn in range(1, options.payments + 1):
            found.append(pay(sites, watchers, turn))
            print(f"\r{turn}/{options.payments} payments", end="", file=sys.stderr)
        print(file=sys.stderr)
        done = [each for each in found if each]
        report = {
            "sites": options.sites, "quorum": 2 * options.sites // 3 + 1, "payments": options.payments,
            "certified": len(done), "question_to_certificate": times([each[0] for each in done]),
            "everywhere": times([each[1] for each in done]), "limit_ms": options.limit,
        }
    print(json.dumps(report))
    reached = len(done) == options.payments and report["question_to_certificate"]["p50_ms"] <= options.limit
    sys.exit(0 if reached else 1)


main()
