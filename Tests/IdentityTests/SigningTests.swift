import Identity
import Testing
import Wire

@Suite struct SigningTests {
    let key = KeyPair(seed: Bytes(repeating: 1, count: 32))

    @Test func `RFC 8032 test 1 is reproduced`() {
        let key = KeyPair(seed: Hex.decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")!)
        #expect(key.peerID.hex == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        #expect(Hex.encode(key.sign([])).hasPrefix("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"))
    }

    @Test func `one changed bit anywhere breaks the signature`() {
        let message = Bytes("message".utf8)
        let signature = key.sign(message)
        #expect(verify(signature, of: message, by: key.peerID))
        for bit in 0..<512 {
            var altered = signature
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!verify(altered, of: message, by: key.peerID))
        }
        #expect(!verify(signature, of: message + [0], by: key.peerID))
        #expect(!verify(Bytes(signature.dropLast()), of: message, by: key.peerID))
    }

    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ])
    func `a small-order public key verifies nothing`(hex: String) {
        let author = PeerID(hex: hex)!
        let signature = Bytes(repeating: 0, count: 64)
        #expect(!verify(signature, of: [], by: author))
        #expect(!verify(Hex.decode(hex)! + Bytes(repeating: 0, count: 32), of: [1, 2, 3], by: author))
    }

    @Test func `S beyond the group order is refused`() {
        // S + L is the same scalar in a non-canonical form (RFC 8032 §5.1.7 demands the check).
        let message = Bytes("message".utf8)
        var signature = key.sign(message)
        let order = Hex.decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")!
        var carry = 0
        for at in 0..<32 {
            let sum = Int(signature[32 + at]) + Int(order[at]) + carry
            signature[32 + at] = UInt8(sum & 255)
            carry = sum >> 8
        }
        #expect(!verify(signature, of: message, by: key.peerID))
    }

    @Test func `a COSE message round-trips and refuses other headers`() throws {
        let aad = Bytes("aad".utf8)
        let message = COSESign1(signing: [1, 2, 3], externalAAD: aad, with: key)
        let bytes = message.encode()
        #expect(try COSESign1(decoding: bytes, maxPayload: 100) == message)
        #expect(message.isSigned(by: key.peerID, externalAAD: aad))
        #expect(!message.isSigned(by: key.peerID, externalAAD: aad + [0]))
        for at in 0..<bytes.count - 64 - 2 {
            var altered = bytes
            altered[at] ^= 1
            let decoded = try? COSESign1(decoding: altered, maxPayload: 100)
            #expect(decoded == nil || !decoded!.isSigned(by: key.peerID, externalAAD: aad), "byte \(at)")
        }
        #expect(throws: CBORError.self) { try COSESign1(decoding: bytes, maxPayload: 2) }
    }

    @Test func `hash domains keep equal bytes apart`() {
        let a: Hash32 = blake2b256(domain: "a", [1])
        let b: Hash32 = blake2b256(domain: "b", [1])
        #expect(a != b)
        #expect(blake2b256(domain: "a", [1, 2], [3]) as Hash32 == blake2b256(domain: "a", [1], [2, 3]))
    }
}
