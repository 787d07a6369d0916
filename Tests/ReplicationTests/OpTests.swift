import Identity
import Replication
import Testing
import Wire

@Suite struct OpTests {
    let key = KeyPair(seed: Bytes(repeating: 1, count: 32))
    let network = NetworkID(Bytes(repeating: 5, count: 32))!
    let other = NetworkID(Bytes(repeating: 6, count: 32))!

    func op(_ body: Bytes = [1, 2, 3], kind: OpKind = .openLog, seq: UInt64 = 1, prev: OpID = .zero, deps: [OpID] = [])
        -> Op
    {
        Op(
            signing: kind, body: body, log: LogID(rawValue: 9), seq: seq, prev: prev, lamport: 1, deps: deps,
            network: network, with: key)
    }

    @Test func `an op round-trips through its envelope, id included`() throws {
        let dep = op([7]).id
        let made = op(kind: .createModel, seq: 2, prev: op().id, deps: [dep])
        let read = try Op(verifying: made.envelope, network: network)
        #expect(read == made)
        #expect(try Op(stored: made.envelope, network: network) == made)
    }

    @Test func `an op of another network does not verify`() {
        #expect(throws: OpError.badSignature) { try Op(verifying: op().envelope, network: other) }
    }

    @Test func `any altered byte is refused`() {
        let envelope = op().envelope
        for at in envelope.indices {
            var altered = envelope
            altered[at] ^= 0x10
            #expect(throws: OpError.self, "byte \(at)") { try Op(verifying: altered, network: network) }
        }
    }

    @Test func `any truncated op is refused`() {
        let envelope = op().envelope
        for length in 0..<envelope.count {
            #expect(throws: OpError.self) { try Op(verifying: Bytes(envelope.prefix(length)), network: network) }
        }
    }

    @Test func `only the first op opens its log`() {
        #expect(throws: OpError.badSequence("a log begins with open-log, and only once")) {
            try Op(verifying: op(kind: .createModel).envelope, network: network)
        }
        #expect(throws: OpError.badSequence("only the first op follows nothing")) {
            try Op(verifying: op(prev: OpID(Bytes(repeating: 1, count: 32))!).envelope, network: network)
        }
        #expect(throws: OpError.badSequence("logs begin at 1")) {
            try Op(verifying: op(seq: 0).envelope, network: network)
        }
    }

    @Test func `a small body travels inside, a large one by its hash`() throws {
        let small = Bytes(repeating: 1, count: OpLimits.inlineBodyBytes)
        let large = small + [1]
        #expect(op(small).header.inlineBody == small)
        #expect(op(large).header.inlineBody == nil)
        #expect(op(large).header.bodyHash == BodyHash.hash(of: large))
        #expect(op(large).envelope.count < 300)
        #expect(op(small).envelope.count <= OpLimits.envelopeBytes)
    }
}
