public import Identity
public import Wire

/// One message of the protocol, decoded and within its limits.
///
/// The body of each is one deterministic CBOR array; `decode` takes exactly what `encode` gives.
/// ```
/// HELLO         see Hello                      FRONTIER      see FrontierMessage
/// PING, PONG    [nonce]                        PULL          [[author, log, from, through] …]
/// OPS           [envelope …]                   BLOB_WANT     [hash, null | [chunk …]]
/// IHAVE, IWANT  [op id …]                      BLOB          [hash, chunk, chunks, null | [hash …], bytes]
/// CREDIT        [control, ops, bulk]           BLOB_NONE     [hash]
/// BYE           [code, text]                   EQUIVOCATION  [envelope, envelope]
/// GRAFT         [op id …]                      PRUNE         [author …], perhaps none
/// JOIN          see JoinMessage                RECONCILE     see ReconcileMessage
/// PEERS         see PeersMessage                SUMS_WANT, SUMS  see SumsMessage
/// ```
/// Lists have at least one item unless said otherwise.
public enum Message: Sendable, Equatable {
    case hello(Hello)
    case ping(nonce: UInt64)
    case pong(nonce: UInt64)
    /// Signed envelopes, byte for byte; not verified here.
    case ops([Bytes])
    case ihave([OpID])
    case iwant([OpID])
    /// These are missing, and more may be pushed.
    case graft([OpID])
    /// Announce instead of pushing: ops of these authors; all, if there is none.
    case prune([PeerID])
    case frontier(FrontierMessage)
    case reconcile(ReconcileMessage)
    /// Ascending by (author, log, from), not overlapping.
    case pull([PullRange])
    case blobWant(BlobWant)
    case blob(Blob)
    /// The body with this hash is not here.
    case blobNone(Hash32)
    /// Two different envelopes of one author for one place in its log; not verified here.
    case equivocation(Bytes, Bytes)
    case peers(PeersMessage)
    case join(JoinMessage)
    case sumsWant(SumsWant)
    case sums(SumsAnswer)
    /// Bytes per lane that were processed and may be sent again.
    case credit(PerLane<Int>)
    case bye(ByeCode, String)

    public var kind: MessageKind {
        switch self {
        case .hello: .hello
        case .ping: .ping
        case .pong: .pong
        case .ops: .ops
        case .ihave: .ihave
        case .iwant: .iwant
        case .graft: .graft
        case .prune: .prune
        case .frontier: .frontier
        case .reconcile: .reconcile
        case .pull: .pull
        case .blobWant: .blobWant
        case .blob: .blob
        case .blobNone: .blobNone
        case .equivocation: .equivocation
        case .peers: .peers
        case .join: .join
        case .sumsWant: .sumsWant
        case .sums: .sums
        case .credit: .credit
        case .bye: .bye
        }
    }

    public init(_ frame: Frame) throws(LinkError) {
        self = try LinkError.naming(frame.kind) { () throws(CBORError) in
            var decoder = CBORDecoder(frame.body)
            let message = try Self.decode(frame.kind, &decoder)
            try decoder.end()
            return message
        }
    }

    /// - Precondition: the message is within its limits, as its documentation says.
    public func frame() -> Frame {
        var encoder = CBOREncoder(reserving: sizeHint)
        encode(into: &encoder)
        let frame = Frame(kind: kind, body: encoder.bytes)
        assert((try? Message(frame)) == self, "a peer would refuse this \(kind.name)")
        return frame
    }

    private var sizeHint: Int {
        switch self {
        case .ops(let envelopes): envelopes.reduce(8) { $0 + $1.count + 3 }
        case .sums(let answer): answer.certificates.reduce(8) { $0 + $1.count + 5 }
        case .ihave(let ids), .iwant(let ids), .graft(let ids): ids.count * 34 + 8
        case .prune(let authors): authors.count * 34 + 8
        case .blob(let blob): blob.bytes.count + (blob.chunkHashes?.count ?? 0) * 34 + 64
        case .frontier, .reconcile, .pull, .equivocation, .hello, .peers, .join: 1_024
        case .ping, .pong, .blobWant, .blobNone, .credit, .bye, .sumsWant: 64
        }
    }

    private func encode(into encoder: inout CBOREncoder) {
        switch self {
        case .hello(let hello): hello.encode(into: &encoder)
        case .ping(let nonce), .pong(let nonce):
            encoder.array(1)
            encoder.uint(nonce)
        case .ops(let envelopes):
            encoder.array(envelopes.count)
            for envelope in envelopes { encoder.bytes(envelope) }
        case .ihave(let ids), .iwant(let ids), .graft(let ids): encoder.ids(ids)
        case .prune(let authors): encoder.ids(authors)
        case .peers(let peers): peers.encode(into: &encoder)
        case .frontier(let frontier): frontier.encode(into: &encoder)
        case .reconcile(let reconcile): reconcile.encode(into: &encoder)
        case .pull(let ranges): PullRange.encode(ranges, into: &encoder)
        case .blobWant(let want): want.encode(into: &encoder)
        case .blob(let blob): blob.encode(into: &encoder)
        case .blobNone(let hash): encoder.ids([hash])
        case .equivocation(let one, let other):
            encoder.array(2)
            encoder.bytes(one)
            encoder.bytes(other)
        case .join(let join): join.encode(into: &encoder)
        case .sumsWant(let want): want.encode(into: &encoder)
        case .sums(let answer): answer.encode(into: &encoder)
        case .credit(let bytes): encoder.perLane(bytes)
        case .bye(let code, let text):
            encoder.array(2)
            encoder.uint(UInt64(code.rawValue))
            encoder.text(text)
        }
    }

    private static func decode(_ kind: MessageKind, _ decoder: inout CBORDecoder) throws(CBORError) -> Message {
        switch kind {
        case .hello: return .hello(try Hello(&decoder))
        case .ping: return .ping(nonce: try decoder.single())
        case .pong: return .pong(nonce: try decoder.single())
        case .ops: return .ops(try decoder.envelopes(1...SessionLimits.envelopesPerFrame))
        case .ihave: return .ihave(try decoder.ids(1...SessionLimits.idsPerFrame))
        case .iwant: return .iwant(try decoder.ids(1...SessionLimits.idsPerFrame))
        case .graft: return .graft(try decoder.ids(1...SessionLimits.idsPerFrame))
        case .prune: return .prune(try decoder.ids(0...SessionLimits.idsPerFrame))
        case .peers: return .peers(try PeersMessage(&decoder))
        case .frontier: return .frontier(try FrontierMessage(&decoder))
        case .reconcile: return .reconcile(try ReconcileMessage(&decoder))
        case .pull: return .pull(try PullRange.decode(&decoder))
        case .blobWant: return .blobWant(try BlobWant(&decoder))
        case .blob: return .blob(try Blob(&decoder))
        case .blobNone: return .blobNone(try decoder.ids(1...1)[0])
        case .equivocation:
            let pair = try decoder.envelopes(2...2)
            guard pair[0] != pair[1] else { throw .outOfRange(at: 0, what: "twice the same envelope") }
            return .equivocation(pair[0], pair[1])
        case .join: return .join(try JoinMessage(&decoder))
        case .sumsWant: return .sumsWant(try SumsWant(&decoder))
        case .sums: return .sums(try SumsAnswer(&decoder))
        case .credit: return .credit(try decoder.perLane(max: SessionLimits.grantBytes))
        case .bye:
            try decoder.array(exactly: 2)
            let code = ByeCode(rawValue: UInt16(try decoder.uint(max: UInt64(UInt16.max))))
            return .bye(code, try decoder.text(max: SessionLimits.byeTextBytes))
        }
    }
}
