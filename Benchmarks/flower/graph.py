"""Triples of several sites, as the sites' tokens: graph nodes, relations, inverse relations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Query:
    """Which graph node follows (entity, relation)? `filtered` are other right answers."""

    context: tuple[int, int]
    answer: int
    filtered: list[int]


@dataclass
class Site:
    # (examples, 3): entity, relation or inverse relation, the answer as a place in `nodes`.
    examples: np.ndarray
    # The site's own graph nodes: the candidates in training and in evaluation.
    nodes: np.ndarray
    queries: list[Query]


@dataclass
class Network:
    """FedAvg adds tables row by row, so all sites must agree on one list of names beforehand."""

    vocabulary: int
    sites: list[Site]

    @staticmethod
    def load(folder: str) -> "Network":
        folders = sorted((p for p in Path(folder).iterdir() if p.is_dir()), key=lambda p: p.name)
        parts = [{name: read(p / f"{name}.txt") for name in ("train", "valid", "test")} for p in folders]
        everything = [t for part in parts for triples in part.values() for t in triples]
        nodes = sorted({h for h, _, _ in everything} | {t for _, _, t in everything})
        relations = sorted({r for _, r, _ in everything})
        index = {name: place for place, name in enumerate(nodes)}
        forward = {name: len(nodes) + place for place, name in enumerate(relations)}
        truths: dict[tuple[int, int], set[int]] = {}
        for h, r, t in everything:
            truths.setdefault((index[h], forward[r]), set()).add(index[t])
            truths.setdefault((index[t], forward[r] + len(relations)), set()).add(index[h])

        def both_ways(triples):
            for h, r, t in triples:
                yield index[h], forward[r], index[t]
                yield index[t], forward[r] + len(relations), index[h]

        sites = []
        for part in parts:
            examples = np.array(list(both_ways(part["train"])), dtype=np.int64)
            own = np.unique(np.concatenate([examples[:, 0], examples[:, 2]]))
            known = set(own.tolist())
            queries = [
                Query((e, r), a, sorted((truths[e, r] & known) - {a}))
                for e, r, a in both_ways(part["test"]) if e in known and a in known
            ]
            examples[:, 2] = np.searchsorted(own, examples[:, 2])
            sites.append(Site(examples, own, queries))
        return Network(len(nodes) + 2 * len(relations), sites)


def read(path: Path) -> list[tuple[str, str, str]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line]
