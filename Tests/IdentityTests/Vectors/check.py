#!/usr/bin/env python3
"""Checks the vectors of this folder without any code of shoal.

    pip install cbor2 pynacl && python3 check.py

CBOR is read by cbor2, hashes come from hashlib. Signatures are judged three times: by the rule of the
README, written out below; by libsodium through PyNaCl; and by OpenSSL, if `cryptography` is there.
Ends with 1 if a vector is not what it says.
"""
import hashlib
import io
import json
import pathlib
import sys

import cbor2
import nacl.bindings
import nacl.exceptions

HERE = pathlib.Path(__file__).resolve().parent
SESSION = HERE.parent.parent / "SessionTests" / "Vectors"

# --- Ed25519 (RFC 8032 §5.1), for reading rather than for speed ---------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P)
    return x % P, y % P


def times(k, point):
    result = (0, 1)
    while k:
        if k & 1:
            result = add(result, point)
        point = add(point, point)
        k >>= 1
    return result


def negative(point):
    return -point[0] % P, point[1]


def recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return P - x if x % 2 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y)


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(data):
    """The point, from its one canonical encoding only; None for any other 32 bytes."""
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    x = recover_x(y, sign) if y < P else None
    return None if x is None else (x, y)


def challenge(r, public_key, message):
    return int.from_bytes(hashlib.sha512(r + public_key + message).digest(), "little") % L


def rule_accepts(public_key, message, signature):
    """The rule of the README: strict encodings, no small order, equation without the cofactor."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    key, point = decode(public_key), decode(r)
    if key is None or point is None:
        return False
    if times(8, key) == (0, 1) or times(8, point) == (0, 1):
        return False
    k = challenge(r, public_key, message)
    return encode(add(times(s, BASE), negative(times(k, key)))) == r


def sodium_accepts(public_key, message, signature):
    try:
        nacl.bindings.crypto_sign_open(signature + message, public_key)
        return True
    except (nacl.exceptions.BadSignatureError, ValueError):
        return False


def openssl_accepts(public_key, message, signature):
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


# --- shoal's rules ------------------------------------------------------------------------------


def op_id(sig_structure):
    return hashlib.blake2b(b"shoal/opid/1" + sig_structure, digest_size=32).digest()


def blake2b256(domain, *parts):
    name = domain.encode()
    return hashlib.blake2b(len(name).to_bytes(4, "big") + name + b"".join(parts), digest_size=32).digest()


def body_hash(body):
    chunks = [body[at : at + 131072] for at in range(0, len(body), 131072)]
    hashes = [blake2b256("shoal/chunk/1", chunk) for chunk in chunks]
    return hashes, blake2b256("shoal/body/1", len(body).to_bytes(8, "big"), *hashes)


def in_profile(item):
    """Integers of 64 bits, strings, arrays, booleans, null; tag 18 and a map of integers for COSE."""
    if item is None or isinstance(item, (bool, bytes, str)):
        return True
    if isinstance(item, int):
        return -(2**63) <= item < 2**64
    if isinstance(item, (list, tuple)):
        return all(map(in_profile, item))
    if isinstance(item, cbor2.CBORTag):
        return item.tag == 18 and in_profile(item.value)
    if hasattr(item, "items"):
        return all(isinstance(key, int) and in_profile(value) for key, value in item.items())
    return False


def strict(data):
    """The one item that `data` is the deterministic encoding of; ValueError otherwise."""
    stream = io.BytesIO(data)
    try:
        item = cbor2.load(stream)
    except Exception as error:
        raise ValueError(str(error)) from error
    if not in_profile(item):
        raise ValueError("an item that shoal does not use")
    if cbor2.dumps(item, canonical=True) != data:
        raise ValueError("not the deterministic encoding, or bytes behind it")
    return item


def cose_parts(message):
    """(payload, signature) of a COSE_Sign1 of shoal; ValueError for anything else."""
    tag = strict(message)
    parts = getattr(tag, "value", None)
    if not isinstance(tag, cbor2.CBORTag) or not isinstance(parts, (list, tuple)) or len(parts) != 4:
        raise ValueError("not 18([…, …, …, …])")
    protected, unprotected, payload, signature = parts
    if protected != cbor2.dumps({1: -19}):
        raise ValueError("the protected header is not {1: -19}")
    if not hasattr(unprotected, "items") or len(unprotected) != 0:
        raise ValueError("the unprotected header is not an empty map")
    if not isinstance(payload, bytes) or not isinstance(signature, bytes) or len(signature) != 64:
        raise ValueError("payload or signature")
    return payload, signature


def sig_structure(payload, external_aad):
    return cbor2.dumps(["Signature1", cbor2.dumps({1: -19}), external_aad, payload], canonical=True)


# --- the files ----------------------------------------------------------------------------------

failures = []


def claim(condition, name):
    if not condition:
        failures.append(name)


TEXTS = {"name", "why", "stage"}


def load(path):
    """The file, with hexadecimal text as bytes."""

    def row(items):
        return {
            key: bytes.fromhex(value) if isinstance(value, str) and key not in TEXTS else value
            for key, value in items.items()
        }

    return json.loads(path.read_text(), object_hook=row)


def check_cose():
    vectors = load(HERE / "cose.json")
    for row in vectors["accepted"]:
        public_key, _ = nacl.bindings.crypto_sign_seed_keypair(row["seed"])
        payload, signature = cose_parts(row["message"])
        signed = sig_structure(payload, row["external_aad"])
        claim(public_key == row["public_key"], row["name"] + ": public key")
        claim(payload == row["payload"] and signature == row["signature"], row["name"] + ": parts")
        claim(signed == row["sig_structure"], row["name"] + ": Sig_structure")
        claim(rule_accepts(public_key, signed, signature), row["name"] + ": signature by the rule")
        claim(sodium_accepts(public_key, signed, signature), row["name"] + ": signature by libsodium")
        claim(op_id(signed) == row["op_id"], row["name"] + ": op id")
    for row in vectors["refused"]:
        try:
            payload, signature = cose_parts(row["message"])
            signed = sig_structure(payload, row["external_aad"])
            accepted = sodium_accepts(row["public_key"], signed, signature)
            stage = "accepted" if accepted else "verify"
        except ValueError:
            stage = "decode"
        claim(stage == row["stage"], f"{row['name']}: {stage}")
    return len(vectors["accepted"]) + len(vectors["refused"])


def check_signatures():
    rows = load(HERE / "ed25519.json")["vectors"]
    others = {"libsodium (PyNaCl)": sodium_accepts}
    try:
        import cryptography  # noqa: F401

        others["OpenSSL (cryptography)"] = openssl_accepts
    except ImportError:
        pass
    for row in rows:
        triple = row["public_key"], row["message"], row["signature"]
        claim(rule_accepts(*triple) == row["valid"], row["name"] + ": by the rule")
    for name, accepts in others.items():
        differing = [
            row["name"]
            for row in rows
            if accepts(row["public_key"], row["message"], row["signature"]) != row["valid"]
        ]
        print(f"{name} agrees with the rule on {len(rows) - len(differing)} of {len(rows)} signatures")
        for row in differing:
            print(f"    differs: {row}")
    return len(rows)


def check_cbor():
    vectors = load(HERE / "cbor.json")
    for row in vectors["accepted"]:
        try:
            strict(row["hex"])
        except ValueError as error:
            claim(False, f"{row['hex'].hex()}: {error}")
    for row in vectors["refused"]:
        try:
            strict(row["hex"])
            claim(False, f"{row['hex'].hex()}: accepted, though {row['why']}")
        except ValueError:
            pass
    return len(vectors["accepted"]) + len(vectors["refused"])


def check_bodies():
    rows = load(HERE / "body.json")["vectors"]
    for row in rows:
        hashes, root = body_hash(bytes(at % 251 for at in range(row["length"])))
        claim(hashes == [bytes.fromhex(text) for text in row["chunk_hashes"]], f"chunks of {row['length']} bytes")
        claim(root == row["body_hash"], f"body of {row['length']} bytes")
    return len(rows)


def check_hello():
    rows = load(SESSION / "hello.json")["vectors"]
    for row in rows:
        public_key, _ = nacl.bindings.crypto_sign_seed_keypair(row["seed"])
        items = strict(row["hello"])
        body = cbor2.dumps(items[:10], canonical=True)
        signed = b"shoal/hello/1" + items[1] + bytes([items[3]]) + row["expected"] + row["exporter"]
        signed += blake2b256("shoal/hello-body/1", body)
        claim(items[2] == public_key, row["name"] + ": peer id")
        claim(signed == row["signed_bytes"], row["name"] + ": signed bytes")
        claim(sodium_accepts(public_key, signed, items[10]), row["name"] + ": signature")
        head = len(row["hello"]).to_bytes(4, "big") + bytes([1, 0, 0, 0])
        claim(row["frame"] == head + row["hello"], row["name"] + ": frame")
    return len(rows)


if __name__ == "__main__":
    checks = [check_cose, check_signatures, check_cbor, check_bodies, check_hello]
    for check in checks:
        print(f"{check.__name__}: {check()} vectors")
    for failure in failures:
        print("FAILED", failure)
    sys.exit(1 if failures else 0)
