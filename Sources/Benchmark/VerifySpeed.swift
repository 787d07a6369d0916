internal import Identity
internal import Replication
internal import Wire

/// Checking what comes from outside, beside libsodium's bare signature check in the same run.
///
/// Whoever adds something that is verified adds a row to ``measure(seconds:)``.
public enum VerifySpeed {
    /// Ops in memory at once, of several authors.
    private static let ops = 256

    public static func measure(seconds: Double) throws -> [SpeedRow] { [try opRow(seconds: seconds)] }

    /// Bytes of a network, as an envelope that was received: decoding, canonical form, inline body, signature, id, and
    /// whether it is here already.
    private static func opRow(seconds: Double) throws -> SpeedRow {
        let network = NetworkID(Bytes(repeating: 3, count: 32))!
        var random = Random(seed: 1)
        let authors = (0..<8).map { _ in KeyPair(seed: (0..<32).map { _ in UInt8(random.below(256)) }) }
        let made = (0..<ops).map { number in
            Op(
                signing: .updateModelWeights, body: (0..<120).map { _ in UInt8(random.below(256)) },
                log: LogID(rawValue: UInt64(number + 1)), seq: 2, prev: OpID(Bytes(repeating: 9, count: 32))!,
                lamport: 5, deps: [OpID(Bytes(repeating: 8, count: 32))!], network: network,
                with: authors[number % authors.count])
        }
        // What is signed, as libsodium gets it.
        let bare = try made.map { op in
            let message = try COSESign1(decoding: op.envelope, maxPayload: OpLimits.envelopeBytes)
            let aad = Bytes("shoal/op/1".utf8) + network.bytes
            let signed = COSESign1.sigStructure(payload: message.payload, externalAAD: aad)
            return (signature: message.signature, signed: signed, author: op.header.author)
        }
        let turns = try Turns(
            seconds: seconds,
            [
                {
                    for item in bare where !verify(item.signature, of: item.signed, by: item.author) {
                        throw BenchmarkError.wrongAnswer
                    }
                    return bare.count
                },
                {
                    // As `Node` does: what was verified a moment ago is recognised by its bytes.
                    var verified = Set<Hash32>()
                    for op in made {
                        let digest: Hash32 = blake2b256(domain: "shoal/envelope/1", op.envelope)
                        guard !verified.contains(digest) else { continue }
                        let read = try Op(verifying: op.envelope, network: network)
                        guard read.id == op.id else { throw BenchmarkError.wrongAnswer }
                        verified.insert(digest)
                    }
                    return verified.count
                },
            ])
        return SpeedRow(
            name: "op: decode, verify, deduplicate", unit: "ops", anchor: turns.rates[0], shoal: turns.rates[1],
            ratio: turns.ratios[1], asked: 0.8)
    }
}
