import Identity
import Session
import Wire

// Fixed and random material for the tests of this room.

let alice = KeyPair(seed: Bytes(repeating: 1, count: 32))
let bob = KeyPair(seed: Bytes(repeating: 2, count: 32))
let carol = KeyPair(seed: Bytes(repeating: 3, count: 32))
let network: NetworkID = id(0x11)
let exporter = Bytes(repeating: 0x22, count: 32)
let offer = HelloOffer(features: 5, listenAddresses: ["node.example:7400"], frontier: id(0x33), state: id(0x44))
let start = Instant(milliseconds: 1_000_000)

func id<Tag>(_ byte: UInt8) -> ID32<Tag> { ID32(Bytes(repeating: byte, count: 32))! }

func link(
    _ role: Role, _ key: KeyPair, expected: PeerID? = nil, exporter: Bytes = exporter, network: NetworkID = network,
    offer: HelloOffer = offer, transportLimit: Int? = nil
) -> Link {
    Link(
        role: role, identity: key, network: network, expected: expected, exporter: exporter, offer: offer, now: start,
        transportLimit: transportLimit)
}

func wire(_ message: Message) -> Bytes { message.frame().encode() }

/// A frame with any head, true or not.
func rawFrame(type: UInt8, lane: UInt8 = 0, zero: Bytes = [0, 0], length: Int? = nil, body: Bytes = []) -> Bytes {
    UInt32(length ?? body.count).bigEndianBytes + [type, lane] + zero + body
}

extension [Link.Output] {
    var written: Bytes {
        Bytes(
            flatMap { output -> Bytes in
                if case .write(let bytes) = output { bytes } else { [] }
            })
    }
    var messages: [Message] {
        compactMap { if case .message(let message, _, _) = $0 { message } else { nil } }
    }
    var closeReason: LinkError? {
        for case .close(let error) in self { return error }
        return nil
    }
    var info: HelloInfo? {
        for case .established(let info) in self { return info }
        return nil
    }
}

/// Alice (initiator) and Bob (acceptor), greeted.
struct Pair {
    var alice: Link
    var bob: Link

    init(transportLimit: Int? = nil) {
        alice = link(.initiator, Samples.alice, expected: Samples.bob.peerID, transportLimit: transportLimit)
        bob = link(.acceptor, Samples.bob)
        let answer = bob.received(alice.start().written, now: start)
        _ = alice.received(answer.written, now: start)
        if transportLimit != nil { _ = alice.written(1 << 20) }
    }
}

/// The same keys by a name that members do not hide.
enum Samples {
    static let alice = SessionTests.alice
    static let bob = SessionTests.bob

    static func bytes(_ count: Int, _ random: inout Random) -> Bytes {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    static func randomID<Tag>(_ random: inout Random) -> ID32<Tag> { ID32(bytes(32, &random))! }

    /// One message of every kind that `Link.send` takes, of random content and size.
    static func message(_ random: inout Random) -> Message {
        switch random.below(9) {
        case 0:
            return .ops(
                (0...random.below(36)).map { _ in
                    Bytes(repeating: UInt8(random.below(256)), count: 1 + random.below(7_000))
                })
        case 1: return .ihave((0...random.below(100)).map { _ in randomID(&random) })
        case 2: return .iwant((0...random.below(100)).map { _ in randomID(&random) })
        case 3: return .frontier(.summary(digest: randomID(&random), state: randomID(&random)))
        case 4: return .frontier(frontier(random.below(100), &random))
        case 5:
            let ranges = (0...random.below(50)).map { _ in
                let from = random.next() >> 1
                return PullRange(
                    author: randomID(&random), log: LogID(rawValue: random.next()), from: from,
                    through: from + UInt64(random.below(1_000)))
            }
            return Message.pulls(ranges)[0]
        case 6:
            let chunks = (0..<BlobWant.maxChunks).filter { _ in random.chance(0.2) }
            return .blobWant(BlobWant(hash: randomID(&random), chunks: chunks.isEmpty ? .all : .some(chunks)))
        case 7:
            let chunks = 1 + random.below(BlobWant.maxChunks)
            let chunk = random.below(chunks)
            let size = chunk == chunks - 1 ? 1 + random.below(BodyHash.chunkBytes) : BodyHash.chunkBytes
            return .blob(
                Blob(
                    hash: randomID(&random), chunk: chunk, chunks: chunks,
                    chunkHashes: chunk == 0 ? (0..<chunks).map { _ in randomID(&random) } : [],
                    bytes: Bytes(repeating: UInt8(random.below(256)), count: size)))
        default:
            return random.chance(0.5)
                ? .blobNone(randomID(&random))
                : .equivocation(bytes(1 + random.below(300), &random), bytes(301 + random.below(300), &random))
        }
    }

    static func frontier(_ count: Int, _ random: inout Random) -> FrontierMessage {
        var entries = [FrontierEntry]()
        for _ in 0..<count {
            entries.append(
                FrontierEntry(
                    author: randomID(&random), log: LogID(rawValue: random.next()), seq: random.next(),
                    head: randomID(&random), forkSeq: random.chance(0.3) ? random.next() : nil))
        }
        return FrontierMessage.pages(digest: randomID(&random), state: randomID(&random), entries: entries)[0]
    }

    /// One of each kind, small, always the same.
    static let oneOfEach: [Message] = [
        .hello(
            Hello(
                offer, role: .initiator, network: network, expected: bob.peerID, exporter: exporter, with: alice)),
        .ping(nonce: 1),
        .pong(nonce: 70_000),
        .ops([[1, 2, 3], Bytes(repeating: 9, count: 300)]),
        .ihave([id(1), id(2)]),
        .iwant([id(3)]),
        .graft([id(3), id(4)]),
        .prune([]),
        .prune([id(1), id(2)]),
        .peers(.request(.join, address: "west:7447")),
        .peers(.request(.ifThereIsRoom, address: nil)),
        .peers(.answer(accepted: true)),
        .peers(.joined(KnownPeer(peer: id(1), address: "west:7447"), hops: 6)),
        .peers(.shuffle([KnownPeer(peer: id(1), address: "west:7447"), KnownPeer(peer: id(2), address: "[::1]:1")])),
        .peers(.shuffleAnswer([])),
        .peers(.disconnect),
        .frontier(.summary(digest: id(4), state: id(5))),
        .frontier(
            .full(
                digest: id(4), state: id(5),
                entries: [
                    FrontierEntry(author: id(6), log: LogID(rawValue: 7), seq: 8, head: id(9)),
                    FrontierEntry(author: id(6), log: LogID(rawValue: 8), seq: 300, head: id(9), forkSeq: 12),
                ], more: true)),
        .sumsWant(.sums(from: LogBound(author: id(6), log: LogID(rawValue: 7)), after: 9)),
        .sums(SumsAnswer(certificates: [[1, 2, 3], []], more: true)),
        .reconcile(
            ReconcileMessage(
                digest: id(4), state: id(5),
                ranges: [
                    FrontierRange(
                        from: .first, below: LogBound(author: id(6), log: LogID(rawValue: 7)),
                        content: .fingerprint(id(9))),
                    FrontierRange(
                        from: LogBound(author: id(6), log: LogID(rawValue: 7)), below: nil,
                        content: .entries(
                            [FrontierEntry(author: id(6), log: LogID(rawValue: 7), seq: 8, head: id(9))],
                            isQuestion: true)),
                ])),
        .pull([
            PullRange(author: id(6), log: LogID(rawValue: 7), from: 1, through: 1),
            PullRange(author: id(6), log: LogID(rawValue: 7), from: 2, through: 900),
        ]),
        .blobWant(BlobWant(hash: id(7), chunks: .all)),
        .blobWant(BlobWant(hash: id(7), chunks: .some([0, 5, 63]))),
        .blob(Blob(hash: id(8), chunk: 0, chunks: 1, chunkHashes: [id(9)], bytes: [1, 2, 3])),
        .blob(Blob(hash: id(8), chunk: 2, chunks: 3, chunkHashes: [], bytes: [4])),
        .blobNone(id(10)),
        .equivocation([1], [2]),
        .join(.request(JoinRequest(secret: Bytes(repeating: 12, count: 16), addresses: ["west:7447"]))),
        .join(
            .granted(
                JoinGrant(
                    seconds: 1_700_000_000, genesis: [1, 2, 3], vocabularyKey: Bytes(repeating: 13, count: 32),
                    members: [.init(peer: id(14), name: "north", address: "north.example:7447")]))),
        .join(.refused(JoinRefusal(seconds: 1_700_000_000, reason: .used, text: "used"))),
        .credit(PerLane(control: 0, ops: 65_536, bulk: 1)),
        .bye(.duplicate, "another connection is kept"),
    ]
}
