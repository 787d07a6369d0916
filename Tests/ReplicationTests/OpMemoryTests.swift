import Identity
import Replication
import Testing
import Wire

@Suite struct OpMemoryTests {
    let key = KeyPair(seed: Bytes(repeating: 1, count: 32))
    let network = NetworkID(Bytes(repeating: 5, count: 32))!

    private func memory(limit: Int = 10) -> OpMemory {
        OpMemory(network: network, signatures: SignatureMemory(limit: 10), limit: limit)
    }

    private func op(_ log: UInt64, _ network: NetworkID) -> Op {
        Op(
            signing: .openLog, body: [1], log: LogID(rawValue: log), seq: 1, prev: .zero, lamport: 1, deps: [],
            network: network, with: key)
    }

    @Test func `an op that comes again is the same op`() throws {
        let memory = memory()
        let made = op(1, network)
        for _ in 0..<3 { #expect(try memory.op(verifying: made.envelope) == made) }
    }

    @Test func `no altered byte passes for an op that is remembered`() throws {
        let memory = memory()
        let envelope = try memory.op(verifying: op(1, network).envelope).envelope
        for at in envelope.indices {
            var altered = envelope
            altered[at] ^= 0x10
            #expect(throws: OpError.self, "byte \(at)") { try memory.op(verifying: altered) }
        }
    }

    @Test func `what was bad is bad again`() {
        let memory = memory()
        let foreign = op(1, NetworkID(Bytes(repeating: 6, count: 32))!).envelope
        for _ in 0..<2 { #expect(throws: OpError.badSignature) { try memory.op(verifying: foreign) } }
    }

    @Test func `what is forgotten is read anew`() throws {
        let memory = memory(limit: 2)
        let made = (0..<9).map { op($0, network) }
        for op in made + made.reversed() { #expect(try memory.op(verifying: op.envelope) == op) }
    }
}
