#!/usr/bin/env python3
"""How long a new site takes from its ticket to the state of the others, on a network of three with 1,000 ops.

    run.py --shoal .build/release/shoal [--ops 1000] [--limit 30]

Real processes, sockets and databases on this machine. The clock runs from `shoal join TICKET` (the site does not exist then:
key, settings, network file, and the first start of its PostgreSQL are in the time) until its frontier and state digests
are those of the other three. Exit code 1 beyond the limit.
"""
import argparse
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/Check"))
from site_of import Site, digests, network, settle  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--ops", type=int, default=1_000)
    parser.add_argument("--limit", type=float, default=30)
    options = parser.parse_args()
    with network(options.shoal, ("north", "river", "harbour")) as sites:
        first = sites[0]
        while digests(first)[0] < options.ops:
            for site in sites:
                site.run("model", "train", "--agent", "ward", "--rounds", "60", "--steps", "1", "--batch", "16")
        settle(sites)
        ops, frontier, state = digests(first)
        fourth = Site(options.shoal, first.folder, "west")
        ticket = first.run("invite", "west", "--address", first.get("/api/status")["listen"]).strip()
        begin = time.monotonic()
        try:
            fourth.run("join", ticket, "--keys", "keys")
            joined = time.monotonic() - begin
            fourth.start("--no-train")
            started = time.monotonic() - begin
            # The joining itself is an op or two, so the others' digests move once more.
            while True:
                found = {digests(site) for site in [*sites, fourth]}
                if len(found) == 1:
                    break
                time.sleep(0.05)
            seconds = time.monotonic() - begin
            ops = found.pop()[0]
        finally:
            fourth.end()
        print(json.dumps({
            "ops": ops, "seconds": round(seconds, 2), "joined_seconds": round(joined, 2),
            "serving_seconds": round(started, 2), "limit_seconds": options.limit,
        }))
        sys.exit(0 if seconds <= options.limit else 1)


main()
