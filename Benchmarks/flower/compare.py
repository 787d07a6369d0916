"""Runs Flower and shoal in turns on one federated task, and prints a table: time and bytes to the same MRR."""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
# Seeds differ by more.
SAME_MRR = 0.01
ENVIRONMENT = HERE.parent.parent / ".build" / "bench-flower"


def python_with_flower() -> str:
    """A Python that has the pinned Flower and PyTorch: BENCH_PYTHON, or an environment of its own."""
    if chosen := os.environ.get("BENCH_PYTHON"):
        return chosen
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print(f"installing Flower and PyTorch into {ENVIRONMENT} ...", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
    subprocess.run(install, check=True, stdout=sys.stderr)
    return str(python)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def flower(python: str, data: str, rounds: int, seed: int) -> dict:
    """One process for the server, one for each site."""
    address = f"127.0.0.1:{free_port()}"
    environment = {**os.environ, "FLWR_TELEMETRY_ENABLED": "0", "GRPC_VERBOSITY": "ERROR", "OMP_NUM_THREADS": "1"}
    sites = sorted(p.name for p in Path(data).iterdir() if p.is_dir())
    with tempfile.TemporaryDirectory() as place:
        begin = time.monotonic()

        def run(script: str, *arguments: str, output=subprocess.DEVNULL) -> subprocess.Popen:
            log = open(f"{place}/log", "a")
            return subprocess.Popen(
                [python, HERE / script, data, *arguments], stdout=output, stderr=log, env=environment)

        server = run("server.py", str(rounds), address, output=subprocess.PIPE)
        meters = [f"{place}/{site}.json" for site in sites]
        clients = [
            run("site_client.py", str(i), str(rounds), str(seed), address, meter) for i, meter in enumerate(meters)
        ]
        output, _ = server.communicate(timeout=1_800)
        whole = time.monotonic() - begin
        for client in clients:
            client.wait(timeout=60)
        if server.returncode or any(client.returncode for client in clients):
            sys.exit(Path(f"{place}/log").read_text())
        report = json.loads(output)
        traffic = [json.loads(Path(meter).read_text()) for meter in meters]
    last = report["history"][-1]
    return {
        "mrr": last["mrr"], "seconds": last["seconds"], "whole": whole - report["judging_seconds"],
        "sent": max(t["sent"] for t in traffic), "received": max(t["received"] for t in traffic),
    }


def shoal(binary: str, data: str, rounds: int, seed: int) -> dict:
    command = [binary, "demo", "--data", data, "--rounds", str(rounds), "--seed", str(seed), "--exit", "--json"]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    if not report["digests_equal"]:
        sys.exit("shoal: the sites did not come to the same state")
    return {
        "mrr": report["federated_mrr"], "seconds": report["federated_seconds"], "whole": report["wall_seconds"],
        "sent": max(s["bytes_sent"] for s in report["sites"]),
        "received": max(s["bytes_received"] for s in report["sites"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--rounds", type=int, nargs="+", default=[20, 40])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()

    python = python_with_flower()
    runs: dict[tuple[str, int], list[dict]] = {}
    load = os.getloadavg()[0]
    for seed in range(1, options.seeds + 1):
        for rounds in options.rounds:
            for name, run in (
                ("Flower", lambda: flower(python, options.data, rounds, seed)),
                ("shoal", lambda: shoal(options.shoal, options.data, rounds, seed)),
            ):
                result = run()
                runs.setdefault((name, rounds), []).append(result)
                print(f"{name} {rounds} rounds, seed {seed}: {result}", file=sys.stderr, flush=True)

    middle = {key: {f: median(r[f] for r in results) for f in results[0]} for key, results in runs.items()}
    print(f"{Path(options.data).name}, 3 sites, {options.seeds} seeds, medians; load at the start {load:.1f}\n")
    print("| | rounds | MRR | training s | whole run s | sent MB | received MB |")
    print("|---|---|---|---|---|---|---|")
    for (name, rounds), m in sorted(middle.items()):
        print(
            f"| {name} | {rounds} | {m['mrr']:.3f} | {m['seconds']:.1f} | {m['whole']:.1f} "
            f"| {m['sent'] / 1e6:.2f} | {m['received'] / 1e6:.2f} |")

    # What Flower comes to at best, and the shortest run of shoal that comes to as much.
    best = max((m for (name, _), m in middle.items() if name == "Flower"), key=lambda m: m["mrr"])
    equal = [m for (name, _), m in middle.items() if name == "shoal" and m["mrr"] >= best["mrr"] - SAME_MRR]
    if not equal:
        print(f"\nshoal does not come to Flower's {best['mrr']:.3f} in these rounds.")
        return
    own = min(equal, key=lambda m: m["seconds"])
    carried = lambda m: m["sent"] + m["received"]
    print(
        f"\nTo the MRR that Flower comes to ({best['mrr']:.3f}, shoal {own['mrr']:.3f}; the same within {SAME_MRR}): "
        f"{own['seconds'] / best['seconds']:.2f} of the training time, {own['whole'] / best['whole']:.2f} of the whole "
        f"run's (shoal's includes training alone and measuring), {carried(own) / carried(best):.2f} of the bytes a site.")


if __name__ == "__main__":
    main()
