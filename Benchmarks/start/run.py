#!/usr/bin/env python3
"""How long `shoal --help` takes, beside other programs' in the same minute.

    run.py --shoal .build/release/shoal [--times 40]

In turns, so that all meet the same machine. The time on the clock is what a person waits; the processor's time is what the
program takes, whatever else runs. Exit code 1 if the median on the clock is above 50 ms.
"""
import argparse
import glob
import os
import pathlib
import shutil
import statistics
import subprocess
import time

ASKED_MS = 50


def spent(words):
    begin = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    clock = time.perf_counter() - begin
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(words)} ends with {process.returncode}")
    return clock * 1_000, (usage.ru_utime + usage.ru_stime) * 1_000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--times", type=int, default=40)
    options = parser.parse_args()
    shoal = str(pathlib.Path(options.shoal).resolve())
    # Debian's /usr/bin/psql is a script that looks for this one.
    psql = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))
    asked = {"shoal --help": [shoal, "--help"], "shoal koi --help": [shoal, "koi", "--help"]}
    if psql:
        asked["psql --help"] = [psql[-1], "--help"]
    for name, words in {"git --version": ["git", "--version"], "python3 -c pass": ["python3", "-c", "pass"]}.items():
        if shutil.which(words[0]):
            asked[name] = words
    times = {name: [] for name in asked}
    for turn in range(options.times + 1):
        for name, words in asked.items():
            figures = spent(words)
            # The first time reads the files.
            if turn:
                times[name].append(figures)
    print(f"{'':<18}{'median':>10}{'least':>10}{'processor':>12}   milliseconds, {options.times} times, load {os.getloadavg()[0]:.1f}")
    for name, figures in times.items():
        clock, processor = zip(*figures)
        print(f"{name:<18}{statistics.median(clock):>10.1f}{min(clock):>10.1f}{statistics.median(processor):>12.1f}")
    median = statistics.median(clock for clock, _ in times["shoal --help"])
    if median > ASKED_MS:
        raise SystemExit(f"shoal --help takes {median:.1f} ms, more than {ASKED_MS}")


main()
