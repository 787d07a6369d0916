/// A reader of bytes that others wrote, and what must hold for every input.
///
/// ``run(_:)`` ends the process by a failed precondition when something does not hold: that is what libFuzzer and the
/// tests look for. A refusal is no failure.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// The deterministic CBOR decoder beside libcbor.
    case cbor
    /// A stream of frames in pieces, and the messages in them.
    case frames
    case envelope
    case hello
    /// Bodies of weight deltas: zstd frame and what is in it.
    case delta
    case triples
    case jsonl
    case safetensors
    case peers
    /// Settings and scenarios: JSON as people write it.
    case settings
    /// Request line, headers and JSON bodies.
    case http

    /// Reads `bytes`.
    ///
    /// - Returns: whether they were accepted, in whole or in part.
    @discardableResult
    public func run(_ bytes: [UInt8]) -> Bool {
        switch self {
        case .cbor: CBORComparison.run(bytes)
        case .frames: WireReading.frames(bytes)
        case .envelope: WireReading.envelope(bytes)
        case .hello: WireReading.hello(bytes)
        case .delta: FileReading.delta(bytes)
        case .triples: FileReading.triples(bytes)
        case .jsonl: FileReading.jsonl(bytes)
        case .safetensors: FileReading.safetensors(bytes)
        case .peers: FileReading.peers(bytes)
        case .settings: FileReading.settings(bytes)
        case .http: HTTPReading.run(bytes)
        }
    }

    /// Longest input worth trying.
    public var maxBytes: Int {
        switch self {
        case .frames, .envelope, .delta, .triples, .jsonl: 16 << 10
        case .cbor, .hello, .safetensors, .peers, .settings, .http: 4 << 10
        }
    }
}
