"""How well searches find what links point to: held-out links of the Rust Reference.

The text of a link is the query, the page that holds it the context, the page or section that it points to the answer.
A node with a PostgreSQL of its own imports the reference with `graph import`. For each seed a share of the links is
held out, a model is trained on what is left, the ranking is calibrated on other held-out links, and the node searches
for the tested ones with every formula. Prints the table, writes Benchmarks/results/search.json.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "results" / "search.json"
# What a full-text search of PostgreSQL gives, in every reading that could be called one.
BASELINES = ["text", "context", "any-word", "text-elsewhere"]
FLOOR, AIM = 1.15, 1.4


class Site:
    """A node that runs, and its commands."""

    def __init__(self, shoal, directory):
        self.shoal, self.directory = shoal, directory
        self.run("cluster", "up", "--dir", directory, "--name", "docs", site=False)
        self.data = Path(directory) / "nodes" / "docs"

    def run(self, *words, site=True):
        words = [self.shoal, *map(str, words)] + (["--data-dir", str(self.data)] if site else []) + ["--json"]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}\nended with code {done.returncode}: {done.stderr or done.stdout}")
        return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else None

    def stop(self):
        self.run("cluster", "down", "--dir", self.directory, site=False)


def reference(path, directory):
    """The folder of the reference, unpacked if it is an archive."""
    if path.is_dir():
        return path
    with tarfile.open(path) as archive:
        archive.extractall(directory, filter="data")
    return next(entry for entry in Path(directory).iterdir() if entry.is_dir())


def measure(site, seed, options):
    """One split: hold out, train, calibrate, search."""
    held = site.run(
        "graph", "holdout", "--restore", "--valid", options.valid, "--test", options.test, "--seed", seed)
    agent = f"seed-{seed}"
    site.run("model", "create", "--agent", agent, "--dim", options.dim)
    for walks in options.walks.split(","):
        trained = site.run(
            "model", "train", "--agent", agent, "--walks", walks, "--rounds", options.rounds, "--seed", seed)
        loss, seconds = trained["training"]["loss"], trained["training"]["seconds"]
        print(f"  seed {seed}: {walks} walks, loss {loss:.3f}, {seconds:.0f} s", file=sys.stderr)
    calibrated = site.run("model", "calibrate", "--agent", agent, "--limit", options.examples)
    report = site.run("model", "evaluate", "--agent", agent, "--search", "--split", "test")
    return {"seed": seed, "held_out": held, "calibration": calibrated, "evaluation": report}


def without_paths(report):
    """The same report without names of places on this machine."""
    if isinstance(report, list):
        return [without_paths(part) for part in report]
    if isinstance(report, dict):
        return {name: without_paths(part) for name, part in report.items() if name != "path"}
    return report


def summary(runs):
    """Mean and range of each formula's figures over the seeds."""
    table = {}
    for run in runs:
        for row in run["evaluation"]["rows"]:
            for figure in ["mrr", "hits1", "hits10"]:
                table.setdefault(row["formula"], {}).setdefault(figure, []).append(row[figure])
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--reference", required=True, type=Path, help="the Markdown sources: a folder, or its archive")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--valid", default=0.1, type=float)
    parser.add_argument("--test", default=0.2, type=float)
    parser.add_argument("--dim", default=64, type=int)
    parser.add_argument("--rounds", default=20, type=int)
    parser.add_argument("--walks", default="tree,random")
    parser.add_argument("--examples", default=500, type=int)
    options = parser.parse_args()
    shoal = os.path.abspath(options.shoal)
    # PostgreSQL does not run as root and must be able to come here.
    directory = tempfile.mkdtemp(prefix="shoal-bench-search-", dir="/tmp")
    os.chmod(directory, 0o755)
    site = None
    try:
        site = Site(shoal, os.path.join(directory, "site"))
        pages = reference(options.reference, directory)
        imported = site.run("graph", "import", pages, "--format", "tree")
        runs = [measure(site, int(seed), options) for seed in options.seeds.split(",")]
    finally:
        if site:
            site.stop()
        shutil.rmtree(directory, ignore_errors=True)
    table = summary(runs)
    base = {seed: max(table[name]["mrr"][seed] for name in BASELINES) for seed in range(len(runs))}
    ratios = [table["combined"]["mrr"][seed] / base[seed] for seed in range(len(runs))]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(
        {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "import": without_paths(imported),
         "options": {name: str(value) for name, value in vars(options).items() if name not in ("shoal", "reference")},
         "runs": runs, "ratios": ratios}, indent=1) + "\n")
    queries = [run["evaluation"]["queries"] for run in runs]
    print(f"{sum(queries)} queries in {len(runs)} splits ({', '.join(map(str, queries))})\n")
    print("| formula | MRR (range) | Hits@1 | Hits@10 |\n|---|---|---|---|")
    for name, figures in table.items():
        mrr = figures["mrr"]
        print(f"| {name} | {statistics.mean(mrr):.3f} ({min(mrr):.3f}-{max(mrr):.3f}) | "
              f"{statistics.mean(figures['hits1']):.3f} | {statistics.mean(figures['hits10']):.3f} |")
    ratio = min(ratios)
    said = statistics.mean(run["evaluation"]["confidence"] for run in runs)
    print(f"\ncombined / better full text: {statistics.mean(ratios):.2f} ({ratio:.2f}-{max(ratios):.2f}); "
          f"floor {FLOOR}, aim {AIM}")
    print(f"calibration: first hits are right in {statistics.mean(table['combined']['hits1']):.3f} of the queries, "
          f"their mean probability is {said:.3f}")
    sys.exit(0 if ratio >= FLOOR else 1)


if __name__ == "__main__":
    main()
