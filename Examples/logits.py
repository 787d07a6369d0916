#!/usr/bin/env python3
"""Computes with numpy what `shoal model predict` computes, from exported weights.

    shoal model export --agent clinic clinic.safetensors
    logits.py clinic.safetensors aspirin treats

Prints the ten best answers: logit, probability, name. With `--against FILE` it compares instead with the answer of
`shoal model predict --agent clinic aspirin treats --top 1000 --json` in FILE, prints the largest difference of a
logit, and fails if it is above 1e-4. A name is also found by its id; ^name reads a relation backwards.
"""
import argparse
import json
import sys

import numpy as np


def load(path):
    """Tensors and metadata of a safetensors file that holds F32 alone."""
    data = open(path, "rb").read()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__")
    return {
        name: np.frombuffer(data[start:], "<f4", np.prod(entry["shape"], dtype=int), entry["data_offsets"][0])
        .reshape(entry["shape"])
        for name, entry in header.items()
    }, metadata


def norm(x, gain, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * gain


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def logits(weights, metadata, tokens):
    """Scores of all graph nodes after `tokens`: a pre-norm causal transformer, its head tied to token_emb."""
    heads, epsilon = int(metadata["heads"]), float(metadata["norm_epsilon"])
    tokens = tokens[-int(metadata["context"]):]
    count, dim = len(tokens), int(metadata["dim"])
    x = weights["token_emb"][tokens] + weights["pos_emb"][:count]
    future = np.triu(np.full((count, count), -np.inf, "f4"), 1)
    split = lambda y: y.reshape(count, heads, dim // heads).transpose(1, 0, 2)
    for number in range(int(metadata["layers"])):
        of = lambda name: weights[f"layers.{number}.{name}"]
        y = norm(x, of("norm1"), epsilon)
        q, k, v = (split(y @ of(name)) for name in ("q_proj", "k_proj", "v_proj"))
        attention = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(np.float32(dim // heads)) + future)
        x = x + (attention @ v).transpose(1, 0, 2).reshape(count, dim) @ of("o_proj")
        x = x + np.maximum(norm(x, of("norm2"), epsilon) @ of("ff_up"), 0) @ of("ff_down")
    return weights["token_emb"][: int(metadata["nodes"])] @ norm(x[-1], weights["final_norm"], epsilon)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("context", nargs="+")
    parser.add_argument("--against", metavar="FILE")
    arguments = parser.parse_args()
    weights, metadata = load(arguments.file)
    vocabulary = [json.loads(line) for line in open(arguments.file + ".vocabulary.jsonl", encoding="utf-8")]
    rows = {entry["id"]: entry["index"] for entry in vocabulary}
    # A graph node goes before a relation of the same name.
    rows.update({entry["name"]: entry["index"] for entry in reversed(vocabulary) if "name" in entry})
    unknown = [name for name in arguments.context if name not in rows]
    if unknown:
        sys.exit(f"not in the vocabulary: {', '.join(unknown)}")
    scores = logits(weights, metadata, [rows[name] for name in arguments.context])
    if arguments.against is None:
        probabilities = softmax(scores)
        for row in np.argsort(-scores, kind="stable")[:10]:
            name = vocabulary[row].get("name", vocabulary[row]["id"])
            print(f"{scores[row]:10.4f}  {probabilities[row]:8.4f}  {name}")
        return
    answers = json.load(open(arguments.against, encoding="utf-8"))["predictions"]
    difference = max(abs(scores[rows[answer["id"]]] - answer["logit"]) for answer in answers)
    print(f"max abs difference of {len(answers)} logits: {difference:.2e}")
    sys.exit(0 if difference <= 1e-4 else 1)


if __name__ == "__main__":
    main()
