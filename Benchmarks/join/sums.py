#!/usr/bin/env python3
"""What a site that joins receives, and how long it takes, with certified sums and without.

    sums.py --shoal .build/release/shoal [--rounds 40,4000,4096] [--block 256] [--dim 48]

Four founders, real processes, sockets and databases on this machine. They train so many rounds in all, each a delta whose body
travels beside its op; nothing is certified meanwhile. Then a fifth site joins and fetches every body. Then the founders
certify sums of blocks, and another site joins and begins with them. The clock runs from `shoal join TICKET` until frontier and
state digests are those of the founders; bytes are what its node read from its connections, TLS included.
"""
import argparse
import concurrent.futures
import json
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/Check"))
from site_of import ROOT, Site, certified_sums, digests, founders, settle  # noqa: E402

FOUNDERS = ("north", "river", "harbour", "hill")
# As many deltas as a block can have: more than any founder trains here.
NO_BLOCKS = "4096"


def at_once(work, sites):
    with concurrent.futures.ThreadPoolExecutor(len(sites)) as pool:
        return list(pool.map(work, sites))


def restart(sites, *words):
    for site in sites:
        site.end()
        site.start("--no-train", *words)
    settle(sites)


def train(sites, rounds):
    at_once(lambda site: site.run(
        "model", "train", "--agent", "ward", "--rounds", str(rounds), "--steps", "1", "--batch", "16"), sites)
    settle(sites)


def join(sites, name):
    """A new site, from its ticket to the state of the others; what it received, and in how many seconds."""
    first = sites[0]
    new = Site(first.shoal, first.folder, name)
    ticket = first.run("invite", name, "--address", first.get("/api/status")["listen"]).strip()
    begin = time.monotonic()
    try:
        new.run("join", ticket, "--keys", "keys")
        new.start("--no-train")
        serving = time.monotonic() - begin
        while len({digests(site) for site in [*sites, new]}) > 1:
            time.sleep(0.02)
        seconds = time.monotonic() - begin
        received = new.get("/api/status")["traffic"]["bytes_received"]
        # A status looks at the disk once a second.
        time.sleep(1.5)
        status = new.get("/api/status")
    finally:
        new.end()
    shutil.rmtree(new.data)
    return {
        "received_bytes": received, "seconds": round(seconds, 2),
        "serving_seconds": round(serving, 2), "ops": status["ops"],
        "body_bytes": status["database"]["body_bytes"], "sums_bytes": status["database"]["sums_bytes"],
        "spared_bytes": status["database"]["dropped_bytes"],
    }


def certify(sites, deltas, block):
    """Has the founders certify what they trained; the blocks, and the seconds that took."""
    begin, wanted = time.monotonic(), len(sites) * (deltas // block)
    restart(sites, "--sums-every", str(block))
    while certified_sums(sites[0]) < wanted:
        time.sleep(0.5)
    settle(sites)
    return wanted, time.monotonic() - begin


def measure(options, rounds, number):
    with founders(options.shoal, FOUNDERS) as sites:
        restart(sites, "--sums-every", NO_BLOCKS)
        for site, facts in zip(sites, ("north", "river", "harbour", "river")):
            site.run("graph", "import", str(ROOT / f"Examples/ward/{facts}.tsv"))
        sites[0].run("model", "create", "--agent", "ward", "--dim", str(options.dim), "--heads", "2")
        settle(sites)
        begin, each = time.monotonic(), rounds // len(sites)
        train(sites, each)
        trained = time.monotonic() - begin
        plain = join(sites, f"bodies-{number}")
        blocks, took = certify(sites, each, options.block)
        sums = join(sites, f"sums-{number}")
    return {
        "rounds": rounds, "blocks": blocks, "training_seconds": round(trained, 1),
        "certifying_seconds": round(took, 1), "without": plain, "with": sums,
    }


def row(found):
    plain, sums = found["without"], found["with"]
    ratio = plain["received_bytes"] / sums["received_bytes"]
    return (
        f"| {found['rounds']:,} | {found['blocks']} | {plain['received_bytes'] / 2**20:.2f} MiB | {plain['seconds']:.1f} s "
        f"| {sums['received_bytes'] / 2**20:.2f} MiB | {sums['seconds']:.1f} s | {ratio:.1f}x "
        f"| {plain['seconds'] / sums['seconds']:.1f}x |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--rounds", default="40,4000,4096")
    parser.add_argument("--block", type=int, default=256)
    parser.add_argument("--dim", type=int, default=48)
    options = parser.parse_args()
    print("| rounds in all | blocks | without: received | seconds | with: received | seconds | bytes | seconds |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for number, rounds in enumerate(options.rounds.split(",")):
        found = measure(options, int(rounds), number)
        print(row(found), flush=True)
        print(json.dumps(found), file=sys.stderr, flush=True)


main()
