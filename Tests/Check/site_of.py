"""A real node with something in it, for checks from outside: the built binary, its PostgreSQL, HTTP on a free port."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Site:
    def __init__(self, shoal, folder, name):
        self.shoal, self.folder, self.name = str(pathlib.Path(shoal).resolve()), folder, name
        self.data, self.keys = folder / name, folder / "keys"
        self.process = self.http = None

    def run(self, *words, code=0):
        done = subprocess.run(
            [self.shoal, *words, "--data-dir", str(self.data)], capture_output=True, text=True, cwd=self.folder)
        if code is not None and done.returncode != code:
            raise SystemExit(f"shoal {' '.join(words)} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, *words):
        self.log = open(self.folder / f"{self.name}.log", "w")
        self.process = subprocess.Popen(
            [self.shoal, "run", "--json", "--http", "127.0.0.1:0", "--data-dir", str(self.data), *words],
            stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=self.folder)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the node does not start:\n{(self.folder / f'{self.name}.log').read_text()}")
        self.http = json.loads(line)["http"]

    def get(self, path):
        with urllib.request.urlopen(self.http + path, timeout=30) as answer:
            return json.loads(answer.read())

    def is_well(self):
        return self.process.poll() is None and "trouble" not in self.get("/api/status")

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)


def digests(site):
    """Ops, frontier and state of a site: equal where sites hold the same."""
    status = site.get("/api/status")
    return status["ops"], status["frontier_digest"], status["state_digest"]


def settle(sites):
    """Waits until all sites hold the same."""
    while len({digests(site) for site in sites}) > 1:
        time.sleep(0.1)


def certified_sums(site):
    """Blocks of deltas whose sums are certified."""
    questions = site.get("/api/consensus")["questions"]
    return sum(one["kind"] == "sums" and one["state"] == "accepted" for one in questions)


def events(stream):
    """The server-sent events of an answer of `/api/events`, as (name, data), until the site ends."""
    name = None
    try:
        for line in stream:
            if line.startswith(b"event:"):
                name = line[6:].strip().decode()
            elif line.startswith(b"data:"):
                yield name, json.loads(line[5:])
    except (OSError, ValueError):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def places(shoal, names):
    """Sites in a folder of their own that have not begun yet; whatever runs in the end is ended, and the folder removed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shoal-check-"))
    os.chmod(folder, 0o711)
    sites = [Site(shoal, folder, name) for name in names]
    try:
        yield sites
    finally:
        for site in reversed(sites):
            site.end()
        shutil.rmtree(folder, ignore_errors=True)


def found(site, members):
    """The network file of `ward` and its members, written where the site is."""
    words = [word for member in members for word in ("--member", member)]
    subprocess.run(
        [site.shoal, "network", "new", "ward", *words], cwd=site.folder, check=True, capture_output=True)


@contextlib.contextmanager
def founders(shoal, names):
    """Sites that founded a network together: all of them vote."""
    with places(shoal, names) as sites:
        members = []
        for site in sites:
            place = f"127.0.0.1:{free_port()}"
            site.run("init", "--name", site.name, "--keys", "keys", "--listen", place)
            members.append(f"keys/{site.name}.pub@{place}")
        found(sites[0], members)
        for site in sites:
            site.run("join", "peers/ward.peers")
            site.start("--no-train")
        yield sites


@contextlib.contextmanager
def network(shoal, names=("north",), teach=True):
    """Sites that have met: the first founds the network, the others join it by ticket."""
    with places(shoal, names) as sites:
        first = sites[0]
        first.run("init", "--name", first.name, "--keys", "keys", "--listen", "127.0.0.1:0")
        found(first, [f"keys/{first.name}.pub"])
        first.run("join", "peers/ward.peers")
        first.start("--no-train")
        place = first.get("/api/status")["listen"]
        for site in sites[1:]:
            ticket = first.run("invite", site.name, "--address", place).strip()
            site.run("join", ticket, "--keys", "keys")
            site.start("--no-train")
        for site, facts in zip(sites, ("north", "river", "harbour")):
            site.run("graph", "import", str(ROOT / f"Examples/ward/{facts}.tsv"))
        if teach:
            first.run("model", "create", "--agent", "ward", "--dim", "16", "--heads", "2")
        yield sites
