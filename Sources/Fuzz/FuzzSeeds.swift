internal import Federation
internal import Identity
internal import Replication
internal import Session
internal import Wire

/// Inputs that are accepted: what mutations begin with. The files of `Tests/FuzzTests/Corpus` come on top.
extension FuzzTarget {
    public var seeds: [[UInt8]] {
        switch self {
        case .cbor: Self.items
        case .frames:
            Self.messages.map { [3] + $0.frame().encode() } + [[0] + Self.messages.flatMap { $0.frame().encode() }]
        case .envelope: Self.envelopes
        case .hello: Self.messages.prefix(1).map { $0.frame().body }
        case .delta: Self.deltas
        case .triples: ["\u{5}a\tknows\tb\nb\tknows\tc\r\n\n", "\u{1}\u{FEFF}ü\tist\tö"].map { Array($0.utf8) }
        case .jsonl: Self.records.map { Array($0.utf8) }
        case .safetensors: Self.tensors
        case .peers: Self.peerFiles.map { Array($0.utf8) }
        case .settings: Self.settingsFiles.map { Array($0.utf8) }
        case .http: Self.requests.map { Array($0.utf8) }
        }
    }

    private static let key = KeyPair(seed: Bytes(repeating: 5, count: 32))
    private static let hash = Hash32(Bytes(repeating: 9, count: 32))!

    private static var items: [[UInt8]] {
        var encoder = CBOREncoder(reserving: 256)
        encoder.array(9)
        for number: UInt64 in [0, 23, 24, 256, 65_536, .max] { encoder.uint(number) }
        encoder.int(-500)
        encoder.bytes(Bytes(repeating: 1, count: 30))
        encoder.text("grüße")
        var map = CBOREncoder(reserving: 64)
        map.map(1)
        map.text("a")
        map.tag(24)
        map.array(3)
        map.null()
        map.bool(true)
        map.int(.min)
        return [
            encoder.bytes, map.bytes, [0x1B, 0, 0, 0, 1, 0, 0, 0, 0], [0xF4], [0x9F, 0xFF],
            [0xFB, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
    }

    private static var messages: [Message] {
        let offer = HelloOffer(
            features: 1, listenAddresses: ["a.example:7400", "[::1]:1"], frontier: hash, state: hash)
        let hello = Hello(
            offer, role: .initiator, network: WireReading.network, expected: .zero,
            exporter: Bytes(repeating: 1, count: 32), with: key)
        let id = OpID(hash.bytes)!
        return [
            .hello(hello), .ping(nonce: 7), .pong(nonce: .max), .ops(envelopes), .ihave([id]), .iwant([id, id]),
            .frontier(.summary(digest: hash, state: hash)),
            .frontier(.full(digest: hash, state: hash, entries: [], more: true)),
            .blobWant(BlobWant(hash: hash, chunks: .all)),
            .blob(Blob(chunk: 0, of: Bytes(repeating: 3, count: 5_000), hash: hash)),
            .blobNone(hash), .equivocation([1], [2]), .credit(PerLane { _ in 4_096 }), .bye(.shutdown, "good night"),
        ]
    }

    private static var envelopes: [[UInt8]] {
        [0, 300, 5_000].map { size in
            Op(
                signing: .memberAdd, body: Bytes(repeating: 6, count: size), log: LogID(Bytes(repeating: 2, count: 8))!,
                seq: 2, prev: OpID(hash.bytes)!, lamport: 2, deps: [], network: WireReading.network, with: key
            ).envelope
        }
    }

    private static var deltas: [[UInt8]] {
        let block = RowBlock(indices: [0, 5, 300], shifts: [1, 2, 3], values: .int8([1, -1, 5, 0, 7, 127]))
        let delta = Delta(
            model: ModelID(hash.bytes)!, round: 3, steps: 4, tokensSeen: 5, dense: block,
            rows: RowBlock(indices: [2], shifts: [0], values: .int16([-300, 9])))
        return [[0] + delta.body, [1] + delta.raw, [0] + Federation.Frame.compress([])]
    }

    private static let records = [
        "\u{9}{\"node\": \"a\", \"kind\": \"section\", \"parent\": \"b\", \"position\": 2, \"metadata\": {\"line\": 14}}\n",
        "\u{2}{\"head\": \"a\", \"relation\": \"links_to\", \"tail\": \"\\u00fc\", \"weight\": 2}\r\n\r\n{}",
        "\u{5}{\"agent\": \"triage\", \"node\": \"a\", \"weight\": 0.8, \"reasoning\": \"used weekly\"}",
    ]

    private static var tensors: [[UInt8]] {
        let header =
            "{\"__metadata__\":{\"agent\":\"a\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}"
        let length = UInt64(header.utf8.count)
        let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }
        return [prefix + Array(header.utf8) + Bytes(repeating: 0, count: 8)]
    }

    private static var peerFiles: [String] {
        let (one, two) = (key.peerID.hex, String(repeating: "ab", count: 32))
        return ["# members\n\(one)@127.0.0.1:7400 north\n\n\(two)@[::1]:1 south # new\n", "\(two) quiet\r\n"]
    }

    private static let settingsFiles = [
        "{\"name\": \"a\", \"peers\": [\"p\", \"q\\u00fc\"], \"listen\": \"0.0.0.0:7400\", \"privacy\": [\"clip=1\"]}",
        "{\"name\":\"a\",\"advertise\":[\"[::1]:2\"],\n\"database_url\":\"postgresql://u@h/d\"}",
        "[1, -0.5e3, true, null, \"\\ud83d\\ude00\"]",
    ]

    private static let requests = [
        "\0/api/models/a%2Db/info?top=5&context=n+1&flag", "\u{1}http://host:1/x//y/?%C3%BC=%26",
        "\u{2}Host: a\nX-Y: b:c\nhost:d",
        "\u{3}{\"agent\":\"a\",\"rounds\":3,\"weights\":\"federated\"}", "\u{4}{\"inference\":\"x\",\"agent\":\"a\"}",
        "\u{5}{\"agent\":\"a\",\"dim\":64}",
    ]
}
