"""The same micro-GPT in PyTorch, timed on request.

Reads a line `SECONDS` from standard input, trains for that long, answers with one line of JSON; ends with the input.
`run.py` starts it beside `shoal bench train`, so that both see the same machine at the same time.
"""

import argparse
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Layer(nn.Module):
    """Pre-norm attention and MLP, no biases, as in Sources/Learning/Forward.swift."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.RMSNorm(dim, eps=1e-5), nn.RMSNorm(dim, eps=1e-5)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)
        self.up = nn.Linear(dim, 4 * dim, bias=False)
        self.down = nn.Linear(4 * dim, dim, bias=False)

    def forward(self, x):
        B, T, d = x.shape
        q, k, v = (
            part.view(B, T, self.heads, d // self.heads).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).split(d, dim=2)
        )
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(B, T, d))
        return x + self.down(F.relu(self.up(self.norm2(x))))


class MicroGPT(nn.Module):
    """Learned positions, output head tied to the token rows."""

    def __init__(self, vocabulary, dim, heads, layers, context):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, dim)
        self.positions = nn.Parameter(torch.zeros(context, dim))
        self.layers = nn.ModuleList(Layer(dim, heads) for _ in range(layers))
        self.norm = nn.RMSNorm(dim, eps=1e-5)
        nn.init.uniform_(self.tokens.weight, -0.125, 0.125)
        for layer in self.layers:
            nn.init.zeros_(layer.out.weight)
            nn.init.zeros_(layer.down.weight)

    def forward(self, tokens, targets):
        x = self.tokens(tokens) + self.positions[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ["vocabulary", "dim", "heads", "layers", "context", "batch", "threads"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = MicroGPT(args.vocabulary, args.dim, args.heads, args.layers, args.context)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98), fused=True)
    loss_of = torch.compile(model) if args.compile else model
    walks = torch.randint(args.vocabulary, (8, args.batch, args.context + 1))

    def step(index):
        walk = walks[index % len(walks)]
        loss = loss_of(walk[:, :-1], walk[:, 1:].contiguous())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        return loss

    for index in range(5):
        step(index)
    print(json.dumps({"ready": True, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        seconds, steps = float(line), 0
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds or steps < 3:
            loss = step(steps)
            steps += 1
        rate = steps * args.batch * args.context / elapsed
        print(json.dumps({"tokens_per_second": rate, "steps": steps, "loss": loss.item()}), flush=True)


main()
