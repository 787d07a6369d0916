#!/usr/bin/env python3
"""Writes the vectors of this folder again; the same bytes each time. See README.md and check.py."""
import hashlib
import json
import sys

import cbor2
import nacl.bindings

sys.dont_write_bytecode = True

from check import (
    BASE, HERE, L, P, SESSION, ROOT, add, blake2b256, body_hash, challenge, encode, op_id, recover_x, rule_accepts,
    sig_structure, times,
)

SEEDS = [bytes([number]) * 32 for number in (1, 2, 3)]
NETWORK = bytes(range(32))
AAD = b"shoal/op/1" + NETWORK


def public_key(seed):
    return nacl.bindings.crypto_sign_seed_keypair(seed)[0]


def sign(seed, message):
    return nacl.bindings.crypto_sign(message, nacl.bindings.crypto_sign_seed_keypair(seed)[1])[:64]


def secret_scalar(seed):
    number = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return number & (2**254 - 8) | 2**254


def write(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


# --- COSE ---------------------------------------------------------------------------------------


def op_payload(seed, kind, deps, inline):
    hashes, root = body_hash(inline)
    row = [1, public_key(seed), b"\x07" * 8, 1, b"\0" * 32, 5, kind, deps, root, len(inline), inline]
    return cbor2.dumps(row, canonical=True)


def message(payload, signature, protected=cbor2.dumps({1: -19}), unprotected=None):
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature]), canonical=True)


def accepted(name, seed, payload, aad=AAD):
    signed = sig_structure(payload, aad)
    signature = sign(seed, signed)
    return {
        "name": name, "seed": seed.hex(), "public_key": public_key(seed).hex(), "external_aad": aad.hex(),
        "payload": payload.hex(), "sig_structure": signed.hex(), "signature": signature.hex(),
        "message": message(payload, signature).hex(), "op_id": op_id(signed).hex(),
    }


def cose():
    seed, payload = SEEDS[0], b"payload"
    signed = sig_structure(payload, AAD)
    signature = sign(seed, signed)
    good = message(payload, signature)
    deps = [hashlib.sha256(bytes([number])).digest() for number in range(64)]
    rows = [
        accepted("nothing at all", seed, b"", b""),
        accepted("a few bytes", seed, payload),
        accepted("23 bytes, the last length in one byte", SEEDS[1], b"\x17" * 23),
        accepted("24 bytes", SEEDS[1], b"\x18" * 24),
        accepted("255 bytes", SEEDS[1], b"\xff" * 255),
        accepted("256 bytes", SEEDS[1], b"\x00" * 256),
        accepted("an op without dependencies", SEEDS[2], op_payload(SEEDS[2], 1, [], b"")),
        accepted("an op with a body inline", SEEDS[2], op_payload(SEEDS[2], 8, deps[:2], b"body" * 10)),
        accepted(
            "the longest op: 64 dependencies, 4 KiB inline", SEEDS[2],
            op_payload(SEEDS[2], 8, sorted(deps), b"\x55" * 4096)),
    ]
    refused = []

    def refuse(name, stage, data, aad=AAD, key=public_key(seed)):
        refused.append({
            "name": name, "stage": stage, "public_key": key.hex(), "external_aad": aad.hex(), "message": data.hex()})

    def flip(data, at):
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    refuse("another network", "verify", good, b"shoal/op/1" + bytes(32))
    refuse("no external_aad", "verify", good, b"")
    refuse("another author", "verify", good, key=public_key(SEEDS[1]))
    refuse("an altered payload", "verify", flip(good, good.index(payload)))
    refuse("an altered R", "verify", flip(good, len(good) - 64))
    refuse("an altered S", "verify", flip(good, len(good) - 32))
    other = cbor2.dumps(["Signature", cbor2.dumps({1: -19}), AAD, payload], canonical=True)
    refuse("signed for another context", "verify", message(payload, sign(seed, other)))
    refuse("the payload alone was signed", "verify", message(payload, sign(seed, payload)))
    s_plus_l = signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")
    refuse("S + L", "verify", message(payload, s_plus_l))
    refuse("the older algorithm -8", "decode", message(payload, signature, cbor2.dumps({1: -8})))
    refuse("an empty protected header", "decode", message(payload, signature, b""))
    refuse("a key id in the protected header", "decode", message(payload, signature, cbor2.dumps({1: -19, 4: b"k"})))
    refuse("the protected header in a longer form", "decode", message(payload, signature, bytes.fromhex("a1013812")))
    refuse("an unprotected header", "decode", message(payload, signature, unprotected={4: b"k"}))
    refuse("no tag", "decode", good[1:])
    refuse("the tag of COSE_Sign", "decode", b"\xd8\x62" + good[1:])
    refuse("the tag in a longer form", "decode", b"\xd8\x12" + good[1:])
    refuse("a detached payload", "decode", cbor2.dumps(cbor2.CBORTag(18, [bytes.fromhex("a10132"), {}, None, signature])))
    refuse("63 bytes of signature", "decode", message(payload, signature[:63]))
    refuse("65 bytes of signature", "decode", message(payload, signature + b"\0"))
    refuse("five items", "decode", b"\xd2\x85" + good[2:] + b"\xf6")
    refuse("an indefinite array", "decode", b"\xd2\x9f" + good[2:] + b"\xff")
    refuse("a length in a longer form", "decode", good.replace(b"\x47" + payload, b"\x58\x07" + payload))
    refuse("text for payload", "decode", good.replace(b"\x47" + payload, b"\x67" + payload))
    refuse("an indefinite payload", "decode", good.replace(b"\x47" + payload, b"\x5f\x47" + payload + b"\xff"))
    refuse("a byte behind it", "decode", good + b"\0")
    refuse("the last byte missing", "decode", good[:-1])
    refuse("nothing", "decode", b"")
    write(HERE / "cose.json", {"accepted": rows, "refused": refused})


# --- Ed25519 ------------------------------------------------------------------------------------


def small_order_points():
    """The eight points whose order divides 8."""
    for y in range(2, 10**6):
        x = recover_x(y, 0)
        if x is None:
            continue
        point = times(L, (x, y))
        if times(4, point) != (0, 1):
            return [times(number, point) for number in range(8)]


def loose_encodings(point):
    """Further 32 bytes that a lenient decoder takes for the same point."""
    x, y = point
    found = []
    for number in {y, y + P} if y + P < 2**255 else {y}:
        for sign in (0, 1):
            data = (number | sign << 255).to_bytes(32, "little")
            if data != encode(point) and (x == 0 or sign == x & 1):
                found.append(data)
    return sorted(found)


def signatures():
    seed, text = SEEDS[0], b"message"
    key, scalar, good = public_key(seed), secret_scalar(seed), sign(seed, text)
    torsion = small_order_points()
    rows = []

    def vector(name, public, signed, signature, valid=False):
        assert rule_accepts(public, signed, signature) == valid, name
        rows.append({
            "name": name, "public_key": public.hex(), "message": signed.hex(), "signature": signature.hex(),
            "valid": valid})

    def number(value):
        return value.to_bytes(32, "little")

    vector("a signature", key, text, good, True)
    vector("a signature of nothing", key, b"", sign(seed, b""), True)
    vector("another message", key, text + b".", good)
    vector("another key", public_key(SEEDS[1]), text, good)
    vector("63 bytes", key, text, good[:63])
    s = int.from_bytes(good[32:], "little")
    vector("S + L", key, text, good[:32] + number(s + L))
    vector("S = L", key, text, good[:32] + number(L))
    vector("S + 8 L", key, text, good[:32] + number(s + 8 * L))
    vector("S with its top bits set", key, text, good[:63] + bytes([good[63] | 0xE0]))
    vector("the sign bit of R", key, text, good[:31] + bytes([good[31] ^ 0x80]) + good[32:])
    vector("R that is no point", key, text, number(2) + good[32:])
    vector("a key that is no point", number(2), text, good)

    # Small-order keys: R = r·B and S = r solve the equation for every message when k·A vanishes.
    r = 12345
    for order, point in enumerate(torsion):
        for which, data in enumerate([encode(point)] + loose_encodings(point)):
            for attempt in range(1000):
                signed = b"small order key %d" % attempt
                k = challenge(encode(times(r, BASE)), data, signed)
                if k % 8 == 0:
                    break
            form = "canonical" if which == 0 else "loose encoding %d" % which
            vector("small-order key %d, %s" % (order, form), data, signed, encode(times(r, BASE)) + number(r))

    # Small-order R: with S = k·a the equation holds up to R itself.
    for order, point in enumerate(torsion):
        for which, data in enumerate([encode(point)] + loose_encodings(point)):
            k = challenge(data, key, text)
            form = "canonical" if which == 0 else "loose encoding %d" % which
            vector("small-order R %d, %s" % (order, form), key, text, data + number(k * scalar % L))

    # The cofactor: R or the key carry a small-order part. RFC 8032 allows both answers; shoal has one.
    for order in (1, 2, 4):
        mixed_r = encode(add(times(r, BASE), torsion[order]))
        k = challenge(mixed_r, key, text)
        vector("cofactor: R with a part of order %d" % (8 // order), key, text, mixed_r + number((r + k * scalar) % L))
        mixed_key = encode(add(times(scalar, BASE), torsion[order]))
        plain_r = encode(times(r, BASE))
        for vanishes in (True, False):
            for attempt in range(1000):
                signed = b"mixed key %d" % attempt
                k = challenge(plain_r, mixed_key, signed)
                if (k * order % 8 == 0) == vanishes:
                    break
            name = "cofactor: key with a part of order %d that %s" % (8 // order, "vanishes" if vanishes else "stays")
            vector(name, mixed_key, signed, plain_r + number((r + k * scalar) % L), vanishes)
    write(HERE / "ed25519.json", {"vectors": rows})


# --- CBOR, bodies, HELLO --------------------------------------------------------------------------


def cbor():
    accepted_items = [
        0, 1, 10, 23, 24, 25, 100, 255, 256, 1000, 65535, 65536, 1000000, 2**32 - 1, 2**32, 10**12, 2**63, 2**64 - 1,
        -1, -10, -24, -25, -100, -256, -257, -1000, -65536, -65537, -(2**32), -(2**32) - 1, -(2**63),
        b"", b"\x01\x02\x03\x04", b"a" * 23, b"a" * 24, b"a" * 255, b"a" * 256, "", "a", "IETF", '"\\', "ü", "水",
        "\U00010151", "a" * 24, False, True, None, [], [1, 2, 3], [1, [2, 3], [4, 5]], list(range(1, 26)),
        [[], [[]], [[[None]]]], {}, {1: -19}, cbor2.CBORTag(18, [b"\xa1\x01\x32", {}, b"payload", b"s" * 64]),
    ]
    refused = {
        "an integer in a longer form": "1800 1817 190000 1900ff 1a00000000 1a0000ffff 1b0000000000000000 1b00000000ffffffff 3800 3900ff",
        "a length in a longer form": "5800 590001ff 7800 7900016a 9800 980101 b800",
        "an indefinite length": "5fff 5f41ff 5f4101ff 7fff 7f6161ff 9fff 9f01ff bfff bf0101ff",
        "a reserved length": "1c 1d 1e 1f 3f 5c 7d 9e dc",
        "a float": "f90000 f93c00 f97e00 fa47c35000 fb3ff199999999999a",
        "undefined, or a simple value": "f7 e0 f0 f818 f8ff",
        "a break": "ff",
        "beyond 64 bits": "3b8000000000000000 3bffffffffffffffff c249010000000000000000",
        "another tag than 18": "c000 c11a514b67b0 d74401020304 d818456449455446 d9d9f700",
        "a tag in a longer form": "d81200",
        "text that is not UTF-8": "61ff 62c328 62c080 63eda080 64f4908080 61c3",
        "truncated": " 18 19 1901 1a010203 1b01020304050607 41 5818 6161ff 62 81 8201 a1 a101 d2 5901 5b 9b",
        "a length beyond the input": "5b7fffffffffffffff00 5bffffffffffffffff00 7b7fffffffffffffff00 9b7fffffffffffffff00 9bffffffffffffffff00 bb7fffffffffffffff00 9affffffff00",
        "a byte behind it": "0000 8000 f600 40f6 6000 810101",
    }
    rows = [{"hex": hexes, "why": why} for why, text in refused.items() for hexes in text.split()]
    rows.append({"hex": "", "why": "nothing"})
    data = [{"hex": cbor2.dumps(item, canonical=True).hex()} for item in accepted_items]
    write(HERE / "cbor.json", {"accepted": data, "refused": rows})


def bodies():
    rows = []
    for length in (0, 1, 131071, 131072, 131073, 300000):
        hashes, root = body_hash(bytes(at % 251 for at in range(length)))
        rows.append({"length": length, "chunk_hashes": [item.hex() for item in hashes], "body_hash": root.hex()})
    write(HERE / "body.json", {"vectors": rows})


def hello():
    exporter = b"\x22" * 32
    cases = [
        ("an initiator that knows whom it dialled", SEEDS[0], 0, 5, public_key(SEEDS[1]), ["node.example:7400"]),
        ("an initiator that does not", SEEDS[0], 0, 0, bytes(32), []),
        ("an acceptor", SEEDS[1], 1, 2**64 - 1, public_key(SEEDS[0]), ["10.0.0.1:1", "[::1]:65535"]),
    ]
    rows = []
    for name, seed, role, features, expected, addresses in cases:
        items = [
            1, NETWORK, public_key(seed), role, features, 262144, [131072, 524288, 2097152], addresses, b"\x33" * 32,
            b"\x44" * 32,
        ]
        body = cbor2.dumps(items, canonical=True)
        signed = b"shoal/hello/1" + NETWORK + bytes([role]) + expected + exporter
        signed += blake2b256("shoal/hello-body/1", body)
        data = cbor2.dumps(items + [sign(seed, signed)], canonical=True)
        frame = len(data).to_bytes(4, "big") + bytes([1, 0, 0, 0]) + data
        rows.append({
            "name": name, "seed": seed.hex(), "expected": expected.hex(), "exporter": exporter.hex(),
            "signed_bytes": signed.hex(), "hello": data.hex(), "frame": frame.hex()})
    write(SESSION / "hello.json", {"vectors": rows})


if __name__ == "__main__":
    assert ROOT * ROOT % P == P - 1
    cose()
    signatures()
    cbor()
    bodies()
    hello()
