import Testing
import Wire

@testable import Identity

@Suite struct SignatureMemoryTests {
    let key = KeyPair(seed: Bytes(repeating: 7, count: 32))
    let other = KeyPair(seed: Bytes(repeating: 8, count: 32)).peerID

    @Test func `a good signature is remembered for its key, message and bytes alone`() {
        let memory = SignatureMemory(limit: 10)
        let message = Bytes("said".utf8)
        let signature = key.sign(message)
        for _ in 0..<2 { #expect(verify(signature, of: message, by: key.peerID, remembering: memory)) }
        #expect(memory.count == 1)
        var altered = signature
        altered[63] ^= 1
        #expect(!verify(altered, of: message, by: key.peerID, remembering: memory))
        #expect(!verify(signature, of: message + [0], by: key.peerID, remembering: memory))
        #expect(!verify(signature, of: message, by: other, remembering: memory))
        #expect(!verify(signature.dropLast() + [], of: message, by: key.peerID, remembering: memory))
    }

    @Test func `a bad signature is checked each time`() {
        let memory = SignatureMemory(limit: 10)
        let bad = Bytes(repeating: 1, count: 64)
        for _ in 0..<2 { #expect(!verify(bad, of: [1], by: key.peerID, remembering: memory)) }
        #expect(memory.count == 0)
    }

    @Test func `what stands at the border of signature and message counts`() {
        let memory = SignatureMemory(limit: 10)
        let signature = key.sign([9, 9])
        #expect(verify(signature, of: [9, 9], by: key.peerID, remembering: memory))
        #expect(!verify(signature + [9], of: [9], by: key.peerID, remembering: memory))
    }

    @Test func `without a memory it is the check itself`() {
        #expect(verify(key.sign([1]), of: [1], by: key.peerID, remembering: nil))
        #expect(!verify(key.sign([1]), of: [2], by: key.peerID, remembering: nil))
    }

    @Test func `digests are kept for a while and not for ever`() {
        var recent = RecentDigests(limit: 10)
        let digests = (0..<100).map { Hash32(Bytes(repeating: UInt8($0), count: 32))! }
        for (index, digest) in digests.enumerated() {
            recent.insert(digest)
            #expect(recent.count <= 20)
            for earlier in digests[max(0, index - 9)...index] { #expect(recent.contains(earlier)) }
        }
        #expect(!recent.contains(digests[0]))
    }
}
