#!/usr/bin/env python3
"""Runs what the documents say, as a reader would type it.

A fenced block marked `console` is a session:

    $ shoal status --site north        a command, run by the page's one bash in the page's one fresh folder
    north · member of ward             must occur in what it prints, in this order; … stands for anything
    [exit 1]                           how it ends; 0 unless told otherwise
    $ shoal run --site north &         goes on beside the session; its lines are waited for

A page without such a block is only read: every line of its other blocks that begins with `shoal ` must name a command
that exists, with options that it has.

    documents.py --shoal .build/release/shoal [PAGE …]

As root each page runs in a network and a /var/lib/shoal of its own, so that it meets nobody.
"""
import argparse
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
# Questions that may be asked again until the answer is there: nodes talk to each other meanwhile.
ASKING = re.compile(r"^shoal (status|peers|consensus|ops list|invite --list|model info|model predict|patterns?|koi|sql|psql)\b|^curl |^psql ")
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failed(Exception):
    pass


class Step:
    def __init__(self, line, command):
        self.line, self.command, self.expected, self.code = line, command, [], 0

    @property
    def in_background(self):
        return self.command.rstrip().endswith("&")


def sessions(text):
    """The steps of all console blocks."""
    steps, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line.strip() == "```console" if not inside else False
        elif inside and line.startswith("$ "):
            steps.append(Step(number, line[2:]))
        elif inside and line.startswith("> ") and steps and not steps[-1].expected:
            steps[-1].command += "\n" + line[2:]
        elif inside and (found := re.fullmatch(r"\[exit (\d+)\]", line.strip())):
            steps[-1].code = int(found[1])
        elif inside and line.strip():
            if not steps:
                raise Failed(f"line {number}: output before any command")
            steps[-1].expected.append(line.strip())
    return steps


def matches(expected, output):
    """The first expected line that does not follow, or None."""
    lines = iter(output.splitlines())
    for want in expected:
        pattern = ".*".join(re.escape(part.strip()) for part in re.split("…", want))
        # Columns are as wide as their longest value.
        pattern = re.sub(r"(\\ )+", r"\\s+", pattern)
        if not any(re.search(pattern, line) for line in lines):
            return want
    return None


class Session:
    """One bash, fed command by command."""

    def __init__(self, folder, binary):
        tools = folder / ".bin"
        tools.mkdir()
        (tools / "shoal").symlink_to(binary)
        home = folder / ".home"
        home.mkdir(mode=0o711)
        environment = {
            "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "100",
            "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1",
        }
        prepare, words = "", ["bash"]
        if os.geteuid() == 0:
            words = ["unshare", "--net", "--mount", "bash"]
            prepare = "ip link set lo up; mkdir -p /var/lib/shoal; mount -t tmpfs -o mode=0711 none /var/lib/shoal\n"
        self.folder = folder
        self.bash = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, text=True)
        self.count = 0
        self.say(prepare + "set +m")

    def say(self, text):
        self.bash.stdin.write(text + "\n")
        self.bash.stdin.flush()

    def run(self, command):
        """Exit code and output."""
        self.count += 1
        out = self.folder / f".out-{self.count}"
        mark = f"@{secrets.token_hex(8)}"
        self.say(f"{{ {command}\n}} > {out} 2>&1 < /dev/null; echo {mark} $?")
        for line in self.bash.stdout:
            if line.startswith(mark):
                return int(line.split()[1]), out.read_text(errors="replace")
        raise Failed("the session's bash has ended")

    def begin(self, command):
        self.count += 1
        out = self.folder / f".out-{self.count}"
        # In place of the subshell, so that the signal at the end meets the program itself.
        self.say(f"(exec {command.rstrip()[:-1]}) > {out} 2>&1 < /dev/null &")
        return out

    def end(self):
        self.say("jobs -p | xargs -r kill 2>/dev/null; wait; exit")
        try:
            self.bash.wait(timeout=40)
        except subprocess.TimeoutExpired:
            os.killpg(self.bash.pid, signal.SIGKILL)


def run_step(session, step):
    deadline = time.monotonic() + PATIENCE_S
    if step.in_background:
        out = session.begin(step.command)
        while True:
            told = out.read_text(errors="replace") if out.exists() else ""
            missing = matches(step.expected, told)
            if missing is None:
                return
            if time.monotonic() > deadline:
                raise Failed(f"it does not say '{missing}' within {PATIENCE_S} s, but:\n{told}")
            time.sleep(0.1)
    while True:
        code, told = session.run(step.command)
        missing = matches(step.expected, told)
        if code == step.code and missing is None:
            return
        if not ASKING.match(step.command) or time.monotonic() > deadline:
            why = f"it ends with {code}, not {step.code}" if code != step.code else f"it does not say '{missing}'"
            raise Failed(f"{why}; it says:\n{told}")
        time.sleep(0.3)


def run_page(page, steps, binary):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shoal-docs-"))
    os.chmod(folder, 0o711)
    try:
        shutil.copytree(ROOT / "Examples", folder / "Examples")
        session = Session(folder, binary)
        try:
            for step in steps:
                begin = time.monotonic()
                try:
                    run_step(session, step)
                except Failed as failure:
                    raise Failed(f"{page}:{step.line}: $ {step.command}\n{failure}") from None
                print(f"  {time.monotonic() - begin:6.1f} s  {step.command.splitlines()[0]}", flush=True)
        finally:
            session.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def helps(binary, words, known={}):
    """The help of a command, or None when there is no such command."""
    key = tuple(words)
    if key not in known:
        done = subprocess.run([binary, *words, "--help"], capture_output=True, text=True)
        known[key] = done.stdout if done.returncode == 0 else None
    return known[key]


def read_commands(page, text, binary):
    """Checks the command lines of blocks that are not run."""
    inside, faults, count = None, [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = None if inside is not None else line.strip()[3:]
            continue
        stripped = line.strip().removeprefix("$ ")
        if inside in (None, "console") or not stripped.startswith("shoal "):
            continue
        # Without comments, variables for values, and what a shell adds.
        words = re.split(r"\s+#|\s[|>&;]|\|\|", stripped)[0].split()[1:]
        command = []
        for word in words:
            if not re.fullmatch(r"[a-z][a-z-]*", word) or helps(binary, command + [word]) is None:
                break
            command.append(word)
        told = helps(binary, command)
        count += 1
        if not command or told is None:
            faults.append(f"{page}:{number}: there is no such command: {stripped}")
            continue
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(words)):
            if option != "--help" and not re.search(re.escape(option) + r"\b", told):
                faults.append(f"{page}:{number}: `shoal {' '.join(command)}` has no {option}")
    return count, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("pages", nargs="*")
    options = parser.parse_args()
    binary = str(pathlib.Path(options.shoal).resolve())
    pages = [pathlib.Path(page).resolve() for page in options.pages] or [
        ROOT / "README.md", ROOT / "keys/README.md", ROOT / "peers/README.md", *sorted((ROOT / "docs").glob("*.md")),
    ]
    faults, commands, read = [], 0, 0
    for page in pages:
        name = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page
        text = page.read_text()
        count, wrong = read_commands(name, text, binary)
        read, faults = read + count, faults + wrong
        steps = sessions(text)
        if not steps:
            continue
        print(f"{name}: {len(steps)} commands", flush=True)
        try:
            run_page(name, steps, binary)
            commands += len(steps)
        except Failed as failure:
            faults.append(str(failure))
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{commands} commands of the documents were run, {read} others were read; {len(faults)} faults")
    sys.exit(1 if faults else 0)


main()
