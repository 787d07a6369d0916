public import Identity
public import Wire

/// What an op does. The numbers are the wire's and never change.
public enum OpKind: UInt64, Sendable, CaseIterable {
    case openLog = 1
    case rotateKey = 2
    case memberAdd = 3
    case memberRevoke = 4
    case createModel = 5
    case deleteModel = 6
    case updateModelWeights = 7
    case trainStep = 8
    case announceRows = 9
    case transfer = 10
    case claim = 11
    case bountyPost = 12
    case bountyClaim = 13
    case bountySettle = 14
    case price = 15
    case patternPropose = 16
    case vote = 17
    case certificate = 18
    case attestation = 19
    case auction = 20
    case bid = 21
    case checkpointVote = 22
    case equivocation = 23
    case question = 24
    case measurement = 25
    case proposal = 26
    case retraction = 27
    case memberLeave = 28

    /// As written in commands and tables: `update-model-weights`.
    public var name: String {
        switch self {
        case .openLog: "open-log"
        case .rotateKey: "rotate-key"
        case .memberAdd: "member-add"
        case .memberRevoke: "member-revoke"
        case .createModel: "create-model"
        case .deleteModel: "delete-model"
        case .updateModelWeights: "update-model-weights"
        case .trainStep: "train-step"
        case .announceRows: "announce-rows"
        case .transfer: "transfer"
        case .claim: "claim"
        case .bountyPost: "bounty-post"
        case .bountyClaim: "bounty-claim"
        case .bountySettle: "bounty-settle"
        case .price: "price"
        case .patternPropose: "pattern-propose"
        case .vote: "vote"
        case .certificate: "certificate"
        case .attestation: "attestation"
        case .auction: "auction"
        case .bid: "bid"
        case .checkpointVote: "checkpoint-vote"
        case .equivocation: "equivocation"
        case .question: "question"
        case .measurement: "measurement"
        case .proposal: "proposal"
        case .retraction: "retraction"
        case .memberLeave: "member-leave"
        }
    }

    /// Whether such an op may take deltas out of the sums, or with a fork put them back in: then their bodies are needed.
    public var takesOut: Bool { self == .memberRevoke || self == .retraction }

    /// Whether a site that has said that it leaves may still sign this: what its vote takes, until a checkpoint is without it.
    public var mayFollowLeaving: Bool {
        switch self {
        case .openLog, .measurement, .proposal, .vote, .certificate, .memberRevoke, .equivocation: true
        case .rotateKey, .memberAdd, .createModel, .deleteModel, .updateModelWeights, .trainStep, .announceRows,
            .transfer, .claim, .bountyPost, .bountyClaim, .bountySettle, .price, .patternPropose, .attestation,
            .auction,
            .bid, .checkpointVote, .question, .retraction, .memberLeave:
            false
        }
    }
}

/// Names one log of one author.
public struct LogKey: Hashable, Comparable, Sendable {
    public let author: PeerID
    public let log: LogID

    public init(author: PeerID, log: LogID) {
        self.author = author
        self.log = log
    }

    public static func < (a: Self, b: Self) -> Bool { (a.author, a.log) < (b.author, b.log) }
}

/// Bounds of one op (protocol §3, §9), all inclusive.
public enum OpLimits {
    public static let dependencies = 64
    public static let inlineBodyBytes = 4 * 1_024
    public static let bodyBytes = 8 * 1_024 * 1_024
    /// A header with 64 dependencies and a full inline body.
    public static let envelopeBytes = 7 * 1_024
}

/// Why bytes are not an op. The sender alone is to blame: it should have checked.
public enum OpError: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(CBORError)
    case unknownVersion(UInt64)
    case unknownKind(UInt64)
    case badSequence(String)
    case dependenciesNotAscending
    case inlineBodyMismatch
    case bodyTooLarge(UInt64)
    case badSignature

    /// Whether a later version of shoal may have written the op.
    public var isFromTheFuture: Bool {
        switch self {
        case .unknownVersion, .unknownKind: true
        case .malformed, .badSequence, .dependenciesNotAscending, .inlineBodyMismatch, .bodyTooLarge, .badSignature:
            false
        }
    }

    /// Stable, for metrics and scripts.
    public var code: String {
        switch self {
        case .malformed: "malformed-op"
        case .unknownVersion: "unknown-version"
        case .unknownKind: "unknown-kind"
        case .badSequence: "bad-sequence"
        case .dependenciesNotAscending: "dependencies-not-ascending"
        case .inlineBodyMismatch: "body-mismatch"
        case .bodyTooLarge: "body-too-large"
        case .badSignature: "bad-signature"
        }
    }

    public var description: String {
        switch self {
        case .malformed(let error): "the op is not canonical: \(error)"
        case .unknownVersion(let version): "the op has version \(version); this shoal knows 1"
        case .unknownKind(let kind): "the op has kind \(kind), which this shoal does not know"
        case .badSequence(let why): "the op's place in its log is not valid: \(why)"
        case .dependenciesNotAscending: "the op's dependencies are not ascending"
        case .inlineBodyMismatch: "the op's inline body does not have the announced hash and length"
        case .bodyTooLarge(let bytes): "the op announces a body of \(bytes) bytes; at most \(OpLimits.bodyBytes)"
        case .badSignature: "the op's signature is not its author's for this network"
        }
    }
}

/// One signed, immutable operation: the header that is signed, and the exact bytes that travel.
///
/// ```
/// payload = [1, author 32, log 8, seq, prev 32, lamport, kind, [deps 32 …], body_hash 32, body_len, inline | null]
/// op_id   = BLAKE2b-256("shoal/opid/1" || Sig_structure)
/// ```
/// The signature is no part of the id, so nobody can make a second op by altering a signature.
public struct Op: Sendable, Equatable {
    public struct Header: Sendable, Equatable {
        public var author: PeerID
        public var log: LogID
        /// From 1, without gaps.
        public var seq: UInt64
        /// The id of op `seq - 1`; zero for the first.
        public var prev: OpID
        /// One more than the latest of what the op builds on; a receiver checks it (``Replica/time(of:)``).
        public var lamport: UInt64
        public var kind: OpKind
        /// Heads of other logs that the op builds on, ascending.
        public var deps: [OpID]
        public var bodyHash: Hash32
        public var bodyLength: Int
        public var inlineBody: Bytes?

        public var logKey: LogKey { LogKey(author: author, log: log) }
    }

    public let header: Header
    public let id: OpID
    /// The COSE_Sign1 message, byte for byte as signed and relayed.
    public let envelope: Bytes

    static func externalAAD(_ network: NetworkID) -> Bytes { Bytes("shoal/op/1".utf8) + network.bytes }

    /// Signs a new op. The body goes inline when it is small.
    public init(
        signing kind: OpKind, body: Bytes, log: LogID, seq: UInt64, prev: OpID, lamport: UInt64, deps: [OpID],
        network: NetworkID, with key: KeyPair
    ) {
        precondition(body.count <= OpLimits.bodyBytes && deps.count <= OpLimits.dependencies)
        header = Header(
            author: key.peerID, log: log, seq: seq, prev: prev, lamport: lamport, kind: kind, deps: deps.sorted(),
            bodyHash: BodyHash.hash(of: body), bodyLength: body.count,
            inlineBody: body.count <= OpLimits.inlineBodyBytes ? body : nil)
        let message = COSESign1(signing: Self.encode(header), externalAAD: Self.externalAAD(network), with: key)
        envelope = message.encode()
        id = opID(
            sigStructure: COSESign1.sigStructure(payload: message.payload, externalAAD: Self.externalAAD(network)))
    }

    /// Reads an op that comes from outside and checks everything that needs no other op:
    /// canonical form, bounds, inline body, signature. Costs one signature check (about 0.1 ms), unless `memory` knows
    /// the signature: most of what peers push has come from another already.
    public init(
        verifying envelope: Bytes, network: NetworkID, remembering memory: SignatureMemory? = nil
    ) throws(OpError) {
        let (op, signature) = try Self.parse(envelope, network: network)
        guard verify(signature, of: op.sigStructure, by: op.op.header.author, remembering: memory) else {
            throw .badSignature
        }
        self = op.op
    }

    /// Reads an op from the node's own store, where only verified ops are.
    public init(stored envelope: Bytes, network: NetworkID) throws(OpError) {
        self = try Self.parse(envelope, network: network).0.op
    }

    private init(header: Header, id: OpID, envelope: Bytes) {
        self.header = header
        self.id = id
        self.envelope = envelope
    }

    private static func parse(
        _ envelope: Bytes, network: NetworkID
    ) throws(OpError) -> ((op: Op, sigStructure: Bytes), signature: Bytes) {
        let header: Header
        let message: COSESign1
        do {
            message = try COSESign1(decoding: envelope, maxPayload: OpLimits.envelopeBytes)
            header = try decodeHeader(message.payload)
        } catch let error as CBORError {
            throw .malformed(error)
        } catch let error as OpError {
            throw error
        } catch {
            preconditionFailure("only the errors above are thrown")
        }
        let sigStructure = COSESign1.sigStructure(payload: message.payload, externalAAD: externalAAD(network))
        return (
            (Op(header: header, id: opID(sigStructure: sigStructure), envelope: envelope), sigStructure),
            message.signature
        )
    }
}

extension Op {
    static func encode(_ header: Header) -> Bytes {
        var encoder = CBOREncoder(reserving: 320 + header.deps.count * 34 + (header.inlineBody?.count ?? 0))
        encoder.array(11)
        encoder.uint(1)
        encoder.bytes(header.author)
        encoder.bytes(header.log.bytes)
        encoder.uint(header.seq)
        encoder.bytes(header.prev)
        encoder.uint(header.lamport)
        encoder.uint(header.kind.rawValue)
        encoder.array(header.deps.count)
        for dep in header.deps { encoder.bytes(dep) }
        encoder.bytes(header.bodyHash)
        encoder.uint(UInt64(header.bodyLength))
        encoder.optionalBytes(header.inlineBody)
        return encoder.bytes
    }

    private static func decodeHeader(_ payload: Bytes) throws -> Header {
        var decoder = CBORDecoder(payload)
        try decoder.array(exactly: 11)
        let version = try decoder.uint()
        guard version == 1 else { throw OpError.unknownVersion(version) }
        let author: PeerID = try decoder.id()
        let log = LogID(try decoder.bytes(exactly: 8))!
        let seq = try decoder.uint(max: 1 << 53)
        let prev: OpID = try decoder.id()
        let lamport = try decoder.uint(max: 1 << 53)
        let kindCode = try decoder.uint()
        guard let kind = OpKind(rawValue: kindCode) else { throw OpError.unknownKind(kindCode) }
        var deps: [OpID] = []
        for _ in 0..<(try decoder.array(max: OpLimits.dependencies)) {
            let dep: OpID = try decoder.id()
            guard deps.last.map({ $0 < dep }) ?? true else { throw OpError.dependenciesNotAscending }
            deps.append(dep)
        }
        let bodyHash: Hash32 = try decoder.id()
        let bodyLength = try decoder.uint()
        guard bodyLength <= UInt64(OpLimits.bodyBytes) else { throw OpError.bodyTooLarge(bodyLength) }
        let inline = try decoder.optionalBytes(max: OpLimits.inlineBodyBytes)
        try decoder.end()
        try checkPlace(seq: seq, prev: prev, kind: kind)
        try checkBody(inline, hash: bodyHash, length: Int(bodyLength))
        return Header(
            author: author, log: log, seq: seq, prev: prev, lamport: lamport, kind: kind, deps: deps,
            bodyHash: bodyHash, bodyLength: Int(bodyLength), inlineBody: inline)
    }

    private static func checkPlace(seq: UInt64, prev: OpID, kind: OpKind) throws(OpError) {
        guard seq >= 1 else { throw .badSequence("logs begin at 1") }
        guard (seq == 1) == (prev == .zero) else { throw .badSequence("only the first op follows nothing") }
        guard (seq == 1) == (kind == .openLog) else { throw .badSequence("a log begins with open-log, and only once") }
    }

    private static func checkBody(_ inline: Bytes?, hash: Hash32, length: Int) throws(OpError) {
        guard let inline else {
            // One form per body: what fits inline is inline.
            guard length > OpLimits.inlineBodyBytes else { throw .inlineBodyMismatch }
            return
        }
        guard inline.count == length, BodyHash.hash(of: inline) == hash else { throw .inlineBodyMismatch }
    }
}
