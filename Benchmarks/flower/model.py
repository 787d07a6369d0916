"""shoal's micro-GPT and its standard recipe (Sources/Learning) in PyTorch, asked for link prediction."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

STEPS, BATCH, RATE, FLOOR, WARMUP = 50, 256, 1.5e-3, 0.02, 50
EPSILON, DROPOUT, SMOOTHING, CLIP, DECAY = 1e-5, 0.1, 0.1, 1.0, 1.0


class MicroGPT(nn.Module):
    """Pre-norm transformer of one layer; the output head is the token table. Reads (entity, relation)."""

    def __init__(self, vocabulary: int, dim: int = 64, heads: int = 4, context: int = 16, seed: int = 1):
        super().__init__()
        torch.manual_seed(seed)
        width = 2.0 ** -next(s for s in range(32) if 4 * dim <= 3 << 2 * s)

        def uniform(*shape, half):
            return nn.Parameter(torch.empty(*shape).uniform_(-half, half))

        self.heads = heads
        self.tokens = uniform(vocabulary, dim, half=0.125)
        self.positions = uniform(context, dim, half=2.0**-6)
        self.q, self.k, self.v = (uniform(dim, dim, half=width) for _ in range(3))
        self.o = nn.Parameter(torch.zeros(dim, dim))
        self.up = uniform(dim, 4 * dim, half=width)
        self.down = nn.Parameter(torch.zeros(4 * dim, dim))
        self.norm1, self.norm2, self.norm3 = (nn.Parameter(torch.ones(dim)) for _ in range(3))

    def forward(self, contexts: torch.Tensor) -> torch.Tensor:
        """(B, T) tokens to the (B, dim) output at the last position: no other is asked for, none is computed."""
        B, T = contexts.shape
        dim = self.tokens.shape[1]
        drop = lambda x: F.dropout(x, DROPOUT, self.training)
        split = lambda x: x.view(B, -1, self.heads, dim // self.heads).transpose(1, 2)
        x = drop(F.embedding(contexts, self.tokens) + self.positions[:T])
        normed = F.rms_norm(x, (dim,), self.norm1, EPSILON)
        attended = F.scaled_dot_product_attention(
            split(normed[:, -1:] @ self.q), split(normed @ self.k), split(normed @ self.v))
        x = x[:, -1] + drop(attended.transpose(1, 2).reshape(B, dim) @ self.o)
        x = x + drop(F.relu(F.rms_norm(x, (dim,), self.norm2, EPSILON) @ self.up) @ self.down)
        return F.rms_norm(x, (dim,), self.norm3, EPSILON)

    def logits(self, contexts: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        return self(contexts) @ self.tokens[candidates].T

    def arrays(self) -> list[np.ndarray]:
        return [p.detach().numpy().copy() for p in self.parameters()]

    def load(self, arrays: list[np.ndarray]) -> None:
        with torch.no_grad():
            for parameter, array in zip(self.parameters(), arrays):
                parameter.copy_(torch.from_numpy(array))


class Trainer:
    """Trains at one site. Adam's moments stay there from round to round."""

    def __init__(self, model: MicroGPT, site, planned_steps: int, seed: int):
        self.model, self.site, self.planned = model, site, planned_steps
        self.random = np.random.default_rng(seed)
        torch.manual_seed(seed)
        norms = [model.norm1, model.norm2, model.norm3]
        others = [p for p in model.parameters() if not any(p is n for n in norms)]
        self.optimizer = torch.optim.AdamW(
            [{"params": others, "weight_decay": DECAY}, {"params": norms, "weight_decay": 0.0}],
            lr=RATE, betas=(0.9, 0.98), eps=1e-8, fused=True)
        self.candidates = torch.from_numpy(site.nodes)
        self.examples = torch.from_numpy(site.examples)
        self.order, self.at, self.step = torch.empty(0, dtype=torch.int64), 0, 0

    def rate(self) -> float:
        cosine = FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * min(self.step / self.planned, 1))) / 2
        return RATE * min((self.step + 1) / WARMUP, 1, cosine)

    def batch(self) -> torch.Tensor:
        """Every example once in shuffled order, then again."""
        while self.at + BATCH > len(self.order):
            fresh = torch.from_numpy(self.random.permutation(len(self.examples)))
            self.order, self.at = torch.cat([self.order[self.at :], fresh]), 0
        self.at += BATCH
        return self.examples[self.order[self.at - BATCH : self.at]]

    def round(self) -> None:
        self.model.train()
        for _ in range(STEPS):
            batch = self.batch()
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            loss = F.cross_entropy(
                self.model.logits(batch[:, :2], self.candidates), batch[:, 2], label_smoothing=SMOOTHING)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
            self.optimizer.step()
            self.step += 1


def mrr(model: MicroGPT, sites) -> float:
    """Filtered, two-sided; candidates are the site's own graph nodes; ties count their mean rank."""
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for site in sites:
            if not site.queries:
                continue
            place = {int(node): i for i, node in enumerate(site.nodes)}
            contexts = torch.tensor([q.context for q in site.queries])
            scores = model.logits(contexts, torch.from_numpy(site.nodes)).numpy()
            for row, query in zip(scores, site.queries):
                row[[place[f] for f in query.filtered]] = -np.inf
                own = row[place[query.answer]]
                total += 1 / ((row > own).sum() + ((row == own).sum() + 1) / 2)
            count += len(site.queries)
    return total / count
