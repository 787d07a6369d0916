internal import Federation
internal import Identity
internal import Learning
internal import Storage
internal import Wire

/// Weights of one site's own, with the vocabulary they follow.
struct SavedWeights: Sendable {
    static let maxBytes = 1 << 31

    let tokens: [TokenID]
    let parameters: Parameters

    init(tokens: [TokenID], parameters: Parameters) {
        self.tokens = tokens
        self.parameters = parameters
    }

    /// `[1, tokens, dense, rows]`, floats little-endian.
    var bytes: Bytes {
        var encoder = CBOREncoder(
            reserving: 4 * (parameters.dense.count + parameters.tokens.count) + 16 * tokens.count + 64)
        encoder.array(4)
        encoder.uint(1)
        encoder.bytes(Packed.bytes(tokens))
        encoder.bytes(Packed.bytes(parameters.dense))
        encoder.bytes(Packed.bytes(parameters.tokens))
        return encoder.bytes
    }

    init(bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 4)
        _ = try decoder.uint(max: 1)
        tokens = try Packed.tokens(decoder.bytes(max: Packed.maxBytes))
        parameters = Parameters(
            dense: try Packed.floats(decoder.bytes(max: Packed.maxBytes)),
            tokens: try Packed.floats(decoder.bytes(max: Packed.maxBytes)))
        try decoder.end()
    }
}

/// What a federated trainer keeps between rounds and restarts: Adam's moments and the residuals.
struct TrainerState: Sendable {
    /// Where the site's log ended when the state was saved. What was sealed behind it has taken a part of the
    /// residuals with it.
    struct Place: Sendable, Equatable {
        let log: LogID
        let seq: UInt64
    }

    let tokens: [TokenID]
    let adam: AdamState
    var residuals: Residuals
    /// Rounds sealed so far.
    let rounds: UInt64
    let place: Place

    init(tokens: [TokenID], adam: AdamState, residuals: Residuals, rounds: UInt64, place: Place) {
        self.tokens = tokens
        self.adam = adam
        self.residuals = residuals
        self.rounds = rounds
        self.place = place
    }

    /// `[2, log, seq, tokens, rounds, steps, m dense, v dense, m rows, v rows, residuals]`; version 1 had no place.
    var bytes: Bytes {
        var encoder = CBOREncoder()
        encoder.array(11)
        encoder.uint(2)
        encoder.bytes(place.log.bytes)
        encoder.uint(place.seq)
        encoder.bytes(Packed.bytes(tokens))
        encoder.uint(rounds)
        encoder.uint(UInt64(adam.steps))
        for moments in [adam.dense.first, adam.dense.second, adam.tokens.first, adam.tokens.second] {
            encoder.bytes(Packed.bytes(moments))
        }
        encoder.bytes(residuals.bytes)
        return encoder.bytes
    }

    init(bytes: Bytes, shape: ModelShape) throws {
        var decoder = CBORDecoder(bytes)
        let isFirstVersion = try decoder.array(max: 11) == 9
        _ = try decoder.uint(max: 2)
        place =
            isFirstVersion
            ? Place(log: LogID(rawValue: 0), seq: 0)
            : Place(log: LogID(try decoder.bytes(exactly: 8))!, seq: try decoder.uint())
        tokens = try Packed.tokens(decoder.bytes(max: Packed.maxBytes))
        rounds = try decoder.uint()
        let steps = try decoder.count(max: .max)
        var moments: [[Float]] = []
        for _ in 0..<4 { moments.append(try Packed.floats(decoder.bytes(max: Packed.maxBytes))) }
        adam = AdamState(
            dense: .init(first: moments[0], second: moments[1]), tokens: .init(first: moments[2], second: moments[3]),
            steps: steps)
        residuals = try Residuals(bytes: decoder.bytes(max: Packed.maxBytes), shape: shape)
        try decoder.end()
    }
}

extension TrainerState {
    /// The moments for another vocabulary: rows follow their tokens, new ones start at zero.
    func adam(for vocabulary: [TokenID], shape: ModelShape) throws(LearningError) -> AdamState {
        guard vocabulary != tokens else { return adam }
        for (name, table) in [("first", adam.tokens.first), ("second", adam.tokens.second)]
        where table.count != tokens.count * shape.dim {
            throw .wrongCount(name: "saved \(name) moments", found: table.count, expected: tokens.count * shape.dim)
        }
        let places = Dictionary(zip(tokens, tokens.indices), uniquingKeysWith: { first, _ in first })
        func rows(of table: [Float]) -> [Float] {
            vocabulary.flatMap { token -> ArraySlice<Float> in
                guard let row = places[token] else { return ArraySlice(repeating: 0, count: shape.dim) }
                return table[row * shape.dim..<(row + 1) * shape.dim]
            }
        }
        var moved = adam
        moved.tokens = .init(first: rows(of: adam.tokens.first), second: rows(of: adam.tokens.second))
        return moved
    }
}

/// Arrays as bytes of the site's own store, little-endian.
private enum Packed {
    static let maxBytes = 1 << 31

    static func bytes(_ values: [Float]) -> Bytes {
        Bytes(unsafeUninitializedCapacity: values.count * 4) { buffer, filled in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for (at, value) in values.enumerated() {
                raw.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: at * 4, as: UInt32.self)
            }
            filled = values.count * 4
        }
    }

    static func floats(_ bytes: Bytes) throws(CBORError) -> [Float] {
        guard bytes.count.isMultiple(of: 4) else { throw .outOfRange(at: 0, what: "floats of \(bytes.count) bytes") }
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map {
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
            }
        }
    }

    static func bytes(_ tokens: [TokenID]) -> Bytes { tokens.flatMap(\.bytes) }

    static func tokens(_ bytes: Bytes) throws(CBORError) -> [TokenID] {
        guard bytes.count.isMultiple(of: 16) else { throw .outOfRange(at: 0, what: "tokens of \(bytes.count) bytes") }
        return stride(from: 0, to: bytes.count, by: 16).map { TokenID(bytes[$0..<$0 + 16])! }
    }
}
