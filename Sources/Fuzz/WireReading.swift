internal import Identity
internal import Replication
internal import Session
internal import Wire

/// What comes over a connection.
enum WireReading {
    static let network = NetworkID(Bytes(repeating: 7, count: 32))!

    /// The first byte says how the stream is cut into pieces: the same frames come out, however it is cut, and each
    /// message is written the same way again.
    static func frames(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return false }
        let stream = Array(bytes.dropFirst())
        let onlyHello = first & 128 != 0
        let whole = read(stream, pieces: stream.count, onlyHello)
        precondition(read(stream, pieces: Int(first & 127) + 1, onlyHello) == whole, "frames depend on the pieces")
        var wasAccepted = false
        for case .frame(let frame) in whole.items {
            precondition(frame.body.count <= frame.kind.lane.frameLimit, "a frame over its limit")
            guard let message = try? Message(frame) else { continue }
            precondition(message.frame() == frame, "a message of kind \(frame.kind) has two forms")
            wasAccepted = true
        }
        return wasAccepted
    }

    private struct Outcome: Equatable {
        var items: [FrameReader.Item] = []
        var error: LinkError?
    }

    private static func read(_ stream: [UInt8], pieces: Int, _ onlyHello: Bool) -> Outcome {
        var reader = FrameReader(onlyHello: onlyHello)
        var outcome = Outcome()
        var at = 0
        while at < stream.count {
            var piece = stream[at..<min(at + max(pieces, 1), stream.count)]
            at = piece.endIndex
            do {
                while let item = try reader.next(from: &piece) { outcome.items.append(item) }
            } catch {
                outcome.error = error
                return outcome
            }
            precondition(reader.buffered <= 8 + Lane.bulk.frameLimit, "more is kept than a frame")
        }
        return outcome
    }

    /// What is accepted is kept byte for byte, and its id is that of the same bytes again.
    static func envelope(_ bytes: [UInt8]) -> Bool {
        guard let op = try? Op(stored: bytes, network: network) else { return false }
        precondition(op.envelope == bytes, "an envelope has two forms")
        precondition(op.header.deps == op.header.deps.sorted() || op.header.deps.isEmpty, "deps are not sorted")
        if let body = op.header.inlineBody {
            precondition(body.count == op.header.bodyLength, "an inline body's length")
        }
        let message = try? COSESign1(decoding: bytes, maxPayload: bytes.count)
        precondition(message?.encode() == bytes, "a COSE_Sign1 has two forms")
        // Nobody can have signed what a fuzzer writes, but for the seeds.
        let verified = try? Op(verifying: bytes, network: network)
        precondition(verified == nil || verified == op, "verified and stored ops differ")
        return true
    }

    static func hello(_ bytes: [UInt8]) -> Bool {
        guard bytes.count <= SessionLimits.helloBytes else { return false }
        let frame = Frame(kind: .hello, body: bytes)
        guard case .hello(let hello) = try? Message(frame) else { return false }
        precondition(Message.hello(hello).frame() == frame, "a HELLO has two forms")
        precondition(hello.listenAddresses.count <= SessionLimits.listenAddresses, "too many addresses")
        _ = hello.isSigned(for: .zero, exporter: Bytes(repeating: 1, count: 32))
        return true
    }
}
