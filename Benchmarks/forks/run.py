#!/usr/bin/env python3
"""What a site loses that was put back whole to an older state, sign journal and all, and so forked its log.

    run.py --shoal .build/release/shoal [--block 256] [--backup 384] [--after 256]

Three founders, real processes and databases. One of them trains `backup` rounds, its data directory is copied, it trains `after`
rounds more, and is put back to the copy while the others are away; the next round that it trains forks its log. Then the others
come back. Once with certified sums of blocks, once without: what stands before the fork counts on, but a block in which the fork is
goes out as a whole. Exit code 1 if something else is left. Prints the deltas that were in the sums before, and that are left.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/Check"))
from site_of import ROOT, certified_sums, founders, settle  # noqa: E402

NO_BLOCKS = 4096


def train(site, rounds):
    site.run("model", "train", "--agent", "ward", "--rounds", str(rounds), "--steps", "1", "--batch", "16")


def measure(options, block):
    words = ["--no-train", "--sums-every", str(block)]
    with founders(options.shoal, ("north", "river", "harbour")) as sites:
        north, others = sites[0], sites[1:]
        for site in sites:
            site.end()
            site.start(*words)
            site.run("graph", "import", str(ROOT / f"Examples/ward/{site.name}.tsv"))
        north.run("model", "create", "--agent", "ward", "--dim", "16", "--heads", "2")
        train(north, options.backup)
        old = north.data.with_name("old")
        north.end()
        subprocess.run(["cp", "-a", north.data, old], check=True)
        north.start(*words)
        train(north, options.after)
        total = options.backup + options.after
        while certified_sums(sites[1]) < total // block:
            time.sleep(0.2)
        settle(sites)
        for site in sites:
            site.end()
        shutil.rmtree(north.data)
        old.rename(north.data)
        north.start(*words)
        log = north.get("/api/ops?kind=update-model-weights&limit=1")[0]["log"]
        # What it trained on the same facts would be the same ops.
        later = north.folder / "later.tsv"
        later.write_text("later\thas\tcome\n")
        north.run("graph", "import", str(later))
        train(north, 1)
        for site in others:
            site.start(*words)
        settle(sites)
        ops = north.get("/api/ops?limit=1000")
        last = max(one["seq"] for one in ops if one["log"] == log and not one.get("void"))
        # What it takes back now is what was left in the sums.
        report = json.loads(north.run("ops", "retract", "--log", log, "--from", "1", "--through", str(last), "--json"))
        return total, report["deltas"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--block", type=int, default=256)
    parser.add_argument("--backup", type=int, default=384)
    parser.add_argument("--after", type=int, default=256)
    options = parser.parse_args()
    print("| blocks of | trained | backup after | left | lost to the fork | lost to the block |")
    print("|--:|--:|--:|--:|--:|--:|", flush=True)
    is_told = True
    for block in (NO_BLOCKS, options.block):
        total, left = measure(options, block)
        # The block in which the fork is goes out from its beginning.
        is_told &= left == (options.backup if block == NO_BLOCKS else options.backup // block * block)
        name = "none" if block == NO_BLOCKS else block
        print(
            f"| {name} | {total} | {options.backup} | {left} | {total - options.backup} | {options.backup - left} |",
            flush=True)
    sys.exit(0 if is_told else 1)


main()
