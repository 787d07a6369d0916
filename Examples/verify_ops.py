#!/usr/bin/env python3
"""Checks an export of ops with nothing of shoal's.

    shoal ops export ops.cbor
    shoal status --json            # names the network id
    verify_ops.py ops.cbor NETWORK_ID

Every message is a COSE_Sign1 (RFC 9052) with an Ed25519 signature; the op's id is
BLAKE2b-256("shoal/opid/1" || Sig_structure). Prints one line an op: id, author, log, seq.
Needs the package `cryptography` or `PyNaCl`.
"""
import hashlib
import sys


def ed25519_verifier():
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return lambda key, signature, message: Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except ImportError:
        from nacl.signing import VerifyKey

        return lambda key, signature, message: VerifyKey(key).verify(message, signature)


def item(data, at):
    """One CBOR item (RFC 8949) and the offset behind it."""
    kind, value, at = data[at] >> 5, data[at] & 31, at + 1
    if kind == 7:
        return {20: False, 21: True, 22: None}[value], at
    if value >= 24:
        size = 1 << (value - 24)
        value, at = int.from_bytes(data[at : at + size], "big"), at + size
    if kind == 0:
        return value, at
    if kind == 1:
        return -1 - value, at
    if kind in (2, 3):
        return (data[at : at + value] if kind == 2 else data[at : at + value].decode()), at + value
    if kind == 6:
        content, at = item(data, at)
        return (value, content), at
    items = []
    for _ in range(value * (2 if kind == 5 else 1)):
        element, at = item(data, at)
        items.append(element)
    return (items if kind == 4 else dict(zip(items[::2], items[1::2]))), at


def sequence(data):
    at = 0
    while at < len(data):
        value, at = item(data, at)
        yield value


def head(kind, count):
    if count < 24:
        return bytes([kind << 5 | count])
    size = 1 if count < 1 << 8 else 2 if count < 1 << 16 else 4
    return bytes([kind << 5 | {1: 24, 2: 25, 4: 26}[size]]) + count.to_bytes(size, "big")


def string(data, kind=2):
    return head(kind, len(data)) + data


def main(path, network):
    verify = ed25519_verifier()
    external = b"shoal/op/1" + bytes.fromhex(network)
    last = {}
    for tag, (protected, unprotected, payload, signature) in sequence(open(path, "rb").read()):
        assert tag == 18 and unprotected == {} and item(protected, 0)[0] == {1: -19}, "not a COSE_Sign1 of Ed25519"
        structure = head(4, 4) + string(b"Signature1", 3) + string(protected) + string(external) + string(payload)
        version, author, log, seq, previous, _, _, _, body_hash, body_length, inline = item(payload, 0)[0]
        verify(author, signature, structure)
        op = hashlib.blake2b(b"shoal/opid/1" + structure, digest_size=32).digest()
        assert version == 1
        if (author, log) in last:
            assert last[author, log] == (seq - 1, previous), "the log has a gap"
        last[author, log] = (seq, op)
        if inline is not None:
            assert len(inline) == body_length
        print(op.hex(), author.hex(), log.hex(), seq)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
