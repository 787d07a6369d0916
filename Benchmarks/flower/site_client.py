"""One site: a Flower client that trains on its own triples, and counts what its sockets carry."""

import json
import os
import socket
import struct
import sys
import threading
import time

import torch
from flwr.client import NumPyClient, start_client

from graph import Network
from model import MicroGPT, STEPS, Trainer

# struct tcp_info of linux/tcp.h: tcpi_bytes_acked and tcpi_bytes_received.
BYTES_AT = 120


class Meter(threading.Thread):
    """The most that each TCP connection of this process has carried so far."""

    def __init__(self, path: str):
        super().__init__(daemon=True)
        self.path, self.seen = path, {}

    def run(self) -> None:
        while True:
            self.look()
            time.sleep(0.05)

    def look(self) -> None:
        for entry in os.listdir("/proc/self/fd"):
            try:
                link = os.readlink(f"/proc/self/fd/{entry}")
                if not link.startswith("socket:"):
                    continue
                with socket.socket(fileno=os.dup(int(entry))) as copy:
                    info = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                if len(info) >= BYTES_AT + 16:
                    self.seen[link] = struct.unpack_from("QQ", info, BYTES_AT)
            except OSError:
                continue
        sent = sum(s for s, _ in self.seen.values())
        received = sum(r for _, r in self.seen.values())
        temporary = self.path + ".new"
        with open(temporary, "w") as file:
            json.dump({"sent": sent, "received": received}, file)
        os.replace(temporary, self.path)


class SiteClient(NumPyClient):
    def __init__(self, network: Network, place: int, rounds: int, seed: int):
        self.site = network.sites[place]
        self.model = MicroGPT(network.vocabulary)
        self.trainer = Trainer(self.model, self.site, rounds * STEPS, seed * 1_000 + place)

    def fit(self, parameters, config):
        self.model.load(parameters)
        self.trainer.round()
        return self.model.arrays(), len(self.site.examples), {}


if __name__ == "__main__":
    folder, place, rounds, seed, address, meter = sys.argv[1:]
    torch.set_num_threads(1)
    client = SiteClient(Network.load(folder), int(place), int(rounds), int(seed))
    Meter(meter).start()
    start_client(server_address=address, client=client.to_client())
