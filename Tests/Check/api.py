#!/usr/bin/env python3
"""Holds a real node to its own OpenAPI document, by schemathesis: every route, good and bad requests, always the same ones.

    api.py --shoal .build/release/shoal --out .build/check/api [--examples 20] [more words for schemathesis]
"""
import argparse
import os
import pathlib
import subprocess
import sys
import urllib.request

from site_of import network

# Streams without an end, and work that the machine would do for minutes.
LEFT_OUT = ["get-events", "post-leave", "post-keys-rotation"]


def metrics(site):
    """Names, types and units of a real page, by Prometheus' own conventions."""
    page = urllib.request.urlopen(f"{site.http}/metrics", timeout=30).read()
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True)
    if done.returncode or done.stderr.strip():
        raise SystemExit(f"promtool check metrics:\n{(done.stdout + done.stderr).decode()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--examples", type=int, default=20)
    options, more = parser.parse_known_args()
    out = pathlib.Path(options.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    here = pathlib.Path(__file__).resolve().parent
    # A neighbour, since a site that has met nobody after its start signs nothing.
    with network(options.shoal, ("north", "river")) as (site, _):
        site.run("model", "train", "--agent", "ward", "--rounds", "1")
        words = [
            str(pathlib.Path(sys.executable).absolute().parent / "schemathesis"),
            "--config-file", str(here / "schemathesis.toml"), "run", f"{site.http}/openapi.json",
            "--phases", "examples,coverage,fuzzing", "--mode", "all", "--max-examples", str(options.examples),
            "--seed", "1", "--generation-deterministic", "--workers", "1",
            "--continue-on-failure", "--request-timeout", "60", "--no-color", "--warnings", "off",
            "--report", "junit", "--report-junit-path", str(out / "junit.xml"),
        ]
        for operation in LEFT_OUT:
            words += ["--exclude-operation-id", operation]
        done = subprocess.run(
            words + more, cwd=out, env={**os.environ, "PYTHONPATH": str(here)}, stdout=open(out / "report.txt", "w"), stderr=subprocess.STDOUT)
        told = (out / "report.txt").read_text()
        # After all that, so that every family has samples.
        metrics(site)
        if not site.is_well():
            print((site.folder / "north.log").read_text()[-4000:], file=sys.stderr)
            raise SystemExit("the node is not well after the run")
    print("\n".join(told.splitlines()[-40:]) if done.returncode else told.splitlines()[-1])
    if done.returncode:
        raise SystemExit(f"the API does not keep to its document: see {out / 'report.txt'}")


main()
