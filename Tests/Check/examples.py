#!/usr/bin/env python3
"""Reads what the examples hold with the parsers of those who will: Prometheus, YAML, Compose's and Kubernetes' own rules
as far as they can be told without an engine, systemd."""
import pathlib
import re
import shutil
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def promtool():
    rules = ROOT / "Examples/prometheus"
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts-test.yml"]):
        done = subprocess.run(["promtool", *words], cwd=rules, capture_output=True, text=True)
        assert done.returncode == 0, f"promtool {' '.join(words)}:\n{done.stdout}{done.stderr}"
    # A rule about a metric that no node has would never fire.
    names = set()
    for path in (ROOT / "Sources/Daemon").rglob("*.swift"):
        text = path.read_text()
        for part in text.split('"')[1::2]:
            if part.startswith(("shoal_", "process_")) and part.replace("_", "").isalnum():
                names.add(part)
    for rule in yaml.safe_load((rules / "alerts.yml").read_text())["groups"][0]["rules"]:
        for name in re.findall(r"\b(?:shoal|process)_[a-z_]+", rule["expr"]):
            assert name in names, f"{rule['alert']}: there is no metric {name}"
        assert {"summary", "description"} <= rule["annotations"].keys(), rule["alert"]
    return "alert rules"


def compose():
    for path in [ROOT / "docker-compose.yml"]:
        file = yaml.safe_load(path.read_text())
        services, volumes = file["services"], file.get("volumes", {})
        nodes = [name for name, service in services.items() if "postgres" not in str(service.get("image", ""))]
        assert len(nodes) >= 3, f"{path.name}: {nodes} are not three sites"
        for name, service in services.items():
            needs = service.get("depends_on", {})
            for other in needs:
                assert other in services, f"{name} depends on {other}, which is not there"
            for mount in service.get("volumes", []):
                source = mount.split(":")[0] if isinstance(mount, str) else mount["source"]
                assert source.startswith((".", "/")) or source in volumes, f"{name} mounts {source}, which nobody declares"
            for other in service.get("networks", []):
                assert other in file.get("networks", {}), f"{name} is in the network {other}, which nobody declares"
        for name in nodes:
            url = services[name].get("environment", {}).get("SHOAL_DATABASE_URL")
            assert url is None or url.split("@")[1].split("/")[0] in services, f"{name} has its database nowhere"
        ports = [port for service in services.values() for port in service.get("ports", [])]
        assert len(set(ports)) == len(ports), "a port is given twice"
    return "docker-compose.yml"


def kubernetes():
    objects = [o for o in yaml.safe_load_all((ROOT / "Examples/kubernetes/shoal.yaml").read_text()) if o]
    kinds = {o["kind"]: o for o in objects}
    assert {"StatefulSet", "Service"} <= kinds.keys(), kinds.keys()
    stateful = kinds["StatefulSet"]["spec"]
    service = next(o for o in objects if o["kind"] == "Service" and o["metadata"]["name"] == stateful["serviceName"])
    labels = stateful["template"]["metadata"]["labels"]
    assert stateful["selector"]["matchLabels"].items() <= labels.items(), "the StatefulSet selects other pods"
    assert service["spec"]["selector"].items() <= labels.items(), "the Service selects other pods"
    assert stateful["replicas"] == 1, "a site is one node: two with one key would fork its log"
    spec = stateful["template"]["spec"]
    claims = {c["metadata"]["name"] for c in stateful["volumeClaimTemplates"]} | {v["name"] for v in spec.get("volumes", [])}
    for container in spec["containers"] + spec.get("initContainers", []):
        for mount in container.get("volumeMounts", []):
            assert mount["name"] in claims, f"{container['name']} mounts {mount['name']}, which is not there"
        ports = {p["name"] for p in container.get("ports", [])}
        for probe in ("livenessProbe", "readinessProbe"):
            check = container.get(probe, {}).get("httpGet")
            assert check is None or check["port"] in ports or isinstance(check["port"], int), probe
    return "Kubernetes objects"


def systemd():
    unit = ROOT / "Examples/systemd/shoal@.service"
    sections, section = {}, None
    for line in unit.read_text().splitlines():
        line = line.strip()
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            section[key] = value
    assert {"Unit", "Service", "Install"} <= sections.keys()
    assert sections["Service"]["ExecStart"].startswith("/"), "systemd wants a full path"
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
        wrong = [line for line in done.stderr.splitlines() if "shoal@" in line and "not executable" not in line
                 and "No such file" not in line]
        assert not wrong, "\n".join(wrong)
    return "systemd unit"


def dockerfile():
    """The image has at run time what `make packages` installs to build and run with."""
    image = (ROOT / "Dockerfile").read_text().split("FROM debian", 1)[1]
    listed = set(re.findall(r"[a-z0-9][a-z0-9.+-]+", image[image.index("apt-get install"):image.index("&& rm")]))
    base = (ROOT / ".ci/packages").read_text().split("packages=(", 1)[1].split(")", 1)[0].split()
    for package in set(base) - {"pkg-config"}:
        if not package.endswith("-dev"):
            assert package in listed, f"the Dockerfile does not install {package}"
            continue
        asked = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Depends}", package], capture_output=True, text=True, check=True).stdout
        runtime = {word.split()[0] for word in re.split("[,|]", asked) if word.strip()}
        assert runtime & listed, f"the Dockerfile has no library for {package}: one of {sorted(runtime)}"
    return "Dockerfile"


for check in (promtool, dockerfile, compose, kubernetes, systemd):
    print(f"{check()}: as those who read it want it")
