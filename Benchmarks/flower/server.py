"""The Flower server: FedAvg over gRPC. Prints one JSON object: the time and the MRR after each round."""

import json
import sys
import time

import torch
from flwr.common import ndarrays_to_parameters, parameters_to_ndarrays
from flwr.server import ServerConfig, start_server
from flwr.server.strategy import FedAvg

from graph import Network
from model import MicroGPT, mrr

# Long enough for the sites' meters to see the last update.
SETTLE_SECONDS = 0.5


class Timed(FedAvg):
    """FedAvg that remembers when each round was done; models are judged after the run."""

    def __init__(self, rounds: int, sites: int, start):
        super().__init__(
            fraction_fit=1.0, fraction_evaluate=0.0, min_fit_clients=sites, min_available_clients=sites,
            initial_parameters=ndarrays_to_parameters(start))
        self.rounds, self.begin, self.done = rounds, None, []

    def configure_fit(self, server_round, parameters, client_manager):
        client_manager.wait_for(self.min_available_clients)
        if self.begin is None:
            self.begin = time.monotonic()
        return super().configure_fit(server_round, parameters, client_manager)

    def aggregate_fit(self, server_round, results, failures):
        if failures or len(results) < self.min_fit_clients:
            raise RuntimeError(f"round {server_round}: {failures}")
        merged, metrics = super().aggregate_fit(server_round, results, failures)
        self.done.append((time.monotonic() - self.begin, parameters_to_ndarrays(merged)))
        if server_round == self.rounds:
            time.sleep(SETTLE_SECONDS)
        return merged, metrics


if __name__ == "__main__":
    folder, rounds, address = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    torch.set_num_threads(1)
    network = Network.load(folder)
    model = MicroGPT(network.vocabulary)
    strategy = Timed(rounds, len(network.sites), model.arrays())
    start_server(server_address=address, config=ServerConfig(num_rounds=rounds), strategy=strategy)
    ended = time.monotonic()
    history = []
    for seconds, arrays in strategy.done:
        model.load(arrays)
        history.append({"seconds": seconds, "mrr": mrr(model, network.sites)})
    print(json.dumps({"history": history, "judging_seconds": time.monotonic() - ended}))
