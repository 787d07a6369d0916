"""Training speed of shoal beside PyTorch, in turns on the same machine.

Every row of the table is measured at least three times, shoal and PyTorch (eager and compiled) one after the other, so
that a busy neighbour disturbs all of them alike. Prints the table, writes Benchmarks/results/train.json.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results" / "train.json"
NAMES = ["vocabulary", "dim", "layers", "context", "batch"]
# vocabulary, dim, layers, context, batch, ratio to reach, share of the peak to reach
ROWS = [
    (1_000, 32, 1, 16, 32, 4.0, None),
    (1_000, 32, 1, 16, 1, 10.0, None),
    (15_000, 64, 2, 16, 32, 2.5, None),
    (15_000, 128, 2, 32, 32, 2.0, 0.55),
]
# vocabulary, dim, layers, context, microseconds to reach
ANSWERS = [(1_000, 64, 2, 16, 60), (15_000, 64, 2, 16, 600)]
HEADS = 4


def python_with_torch(directory):
    """A Python that has the pinned PyTorch: BENCH_PYTHON, or an environment of its own."""
    if chosen := os.environ.get("BENCH_PYTHON"):
        return chosen
    python = directory / "bin" / "python"
    if not python.exists():
        print(f"installing PyTorch into {directory} ...", file=sys.stderr)
        venv.create(directory, with_pip=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True, stdout=sys.stderr
    )
    return str(python)


class Peer:
    """A PyTorch process that trains when asked to."""

    def __init__(self, python, options, threads, seed, compiled):
        words = [python, HERE / "peer.py", *options, "--threads", str(threads), "--seed", str(seed)]
        self.process = subprocess.Popen(
            words + (["--compile"] if compiled else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.version = self.read()["torch"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the PyTorch peer ended with code {self.process.wait()}; its messages are above")
        return json.loads(line)

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.read()["tokens_per_second"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def shoal(binary, kind, options, seconds, seed):
    words = [binary, "bench", kind, *options, "--seconds", str(seconds), "--seed", str(seed), "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def spread(values):
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def measure_row(args, python, row):
    shape = [word for name, value in zip(NAMES, row) for word in (f"--{name}", str(value))] + ["--heads", str(HEADS)]
    peers = {name: Peer(python, shape, args.threads, args.seed, name == "compiled") for name in ["eager", "compiled"]}
    rates, peaks, shares, kernel = {"shoal": [], "eager": [], "compiled": []}, [], [], ""
    for _ in range(args.repetitions):
        ours = shoal(args.shoal, "train", shape + ["--threads", str(args.threads)], args.seconds, args.seed)
        rates["shoal"].append(ours["tokens_per_second"])
        peaks.append(ours["peak_gflops"])
        shares.append(ours["peak_share"])
        kernel = ours["kernel"]
        for name, peer in peers.items():
            rates[name].append(peer.measure(args.seconds))
    for peer in peers.values():
        peer.close()
    best = max(["eager", "compiled"], key=lambda name: statistics.median(rates[name]))
    ratios = [ours / theirs for ours, theirs in zip(rates["shoal"], rates[best])]
    ratio, share = statistics.median(ratios), statistics.median(shares)
    return {
        **dict(zip(NAMES, row)),
        "heads": HEADS,
        "tokens_per_second": {name: spread(values) for name, values in rates.items()},
        "peer": best,
        "ratio": spread(ratios),
        "peak_gflops": spread(peaks),
        "peak_share": spread(shares),
        "kernel": kernel,
        "torch": peers["eager"].version,
        "wanted": {"ratio": row[5], "peak_share": row[6]},
        "reached": ratio >= row[5] and (row[6] is None or share >= row[6]),
    }


def measure_answers(args, row):
    vocabulary, dim, layers, context, wanted = row
    options = ["--vocabulary", vocabulary, "--dim", dim, "--layers", layers, "--context", context, "--heads", HEADS]
    runs = [
        shoal(args.shoal, "predict", map(str, options), args.seconds, args.seed) for _ in range(args.repetitions)
    ]
    p50 = spread([run["p50_us"] for run in runs])
    return {
        "vocabulary": vocabulary, "dim": dim, "layers": layers, "context": context, "p50_us": p50,
        "p90_us": spread([run["p90_us"] for run in runs]), "wanted": {"p50_us": wanted},
        "reached": p50["median"] <= wanted,
    }


def machine(args):
    model = "unknown"
    if os.path.exists("/proc/cpuinfo"):
        names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
        model = names[0] if names else model
    version = subprocess.run([args.shoal, "--version"], capture_output=True, text=True).stdout.strip()
    return {
        "processor": model, "processors": os.cpu_count(), "architecture": platform.machine(),
        "system": platform.platform(), "shoal": version, "python": platform.python_version(),
    }


def table(report):
    lines = [
        "| V / dim / layers / context / batch | shoal tok/s | PyTorch tok/s (best) | ratio | wanted | share of peak |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in report["training"]:
        theirs = row["tokens_per_second"][row["peer"]]["median"]
        ours, ratio, share = row["tokens_per_second"]["shoal"], row["ratio"], row["peak_share"]
        wanted = f"≥ {row['wanted']['ratio']:g}x"
        if row["wanted"]["peak_share"]:
            wanted += f", ≥ {row['wanted']['peak_share']:.0%} of peak"
        lines.append(
            f"| {' / '.join(f'{row[name]:,}' for name in NAMES)} "
            f"| {ours['median']:,.0f} ({ours['low']:,.0f} – {ours['high']:,.0f}) "
            f"| {theirs:,.0f} ({row['peer']}) | {ratio['median']:.1f}x ({ratio['low']:.1f} – {ratio['high']:.1f}) "
            f"| {wanted} | {share['median']:.0%} of {row['peak_gflops']['median']:.0f} GFLOP/s |"
        )
    lines += ["", "| an answer (top 10), V / dim / layers / context | p50 | p90 | wanted p50 |", "|---|--:|--:|--:|"]
    for row in report["answers"]:
        lines.append(
            f"| {row['vocabulary']:,} / {row['dim']} / {row['layers']} / {row['context']} "
            f"| {row['p50_us']['median']:.0f} µs ({row['p50_us']['low']:.0f} – {row['p50_us']['high']:.0f}) "
            f"| {row['p90_us']['median']:.0f} µs | ≤ {row['wanted']['p50_us']} µs |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shoal", default=HERE.parents[1] / ".build" / "release" / "shoal", type=Path)
    parser.add_argument("--environment", default=HERE.parents[1] / ".build" / "bench-train", type=Path)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    python = python_with_torch(args.environment)
    report = {"machine": machine(args), "threads": args.threads, "seed": args.seed, "seconds": args.seconds}
    report |= {"repetitions": args.repetitions, "training": [], "answers": []}
    for row in ROWS:
        print(" / ".join(map(str, row[:5])), "...", file=sys.stderr)
        report["training"].append(measure_row(args, python, row))
    report["answers"] = [measure_answers(args, row) for row in ANSWERS]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))
    sys.exit(0 if all(row["reached"] for row in report["training"] + report["answers"]) else 1)


main()
