internal import Learning
internal import Wire

/// What a ``LoneTraining`` needs to go on.
struct SavedTraining {
    var round: Int
    var parameters: Parameters
    var adam: AdamState
    var best: Parameters
    var bestScore: Double
}

/// What a ``JointTraining`` needs to go on.
struct SavedJoint {
    var round: Int
    var bytes: Int
    var sums: SavedSums
    var trainers: [SavedTrainer]
}

/// The merged model's sums, rows and dense tensors that are not zero.
struct SavedSums {
    var rows: [(token: TokenID, bytes: Bytes)]
    var tensors: [Bytes]
}

struct SavedTrainer {
    var adam: AdamState
    var residuals: Bytes
    /// Where its last round began to count from; nil before the first.
    var lastBase: Parameters?
}

// MARK: As bytes

/// `[round, best score bits, steps, weights ×2, best ×2, moments ×4]`
extension SavedTraining {
    var bytes: Bytes {
        var encoder = CBOREncoder()
        encoder.array(11)
        encoder.uint(UInt64(round))
        encoder.uint(bestScore.bitPattern)
        encoder.uint(UInt64(adam.steps))
        for floats in [parameters.dense, parameters.tokens, best.dense, best.tokens] + adam.arrays {
            encoder.bytes(Packed.bytes(floats))
        }
        return encoder.bytes
    }

    init(bytes: Bytes) throws {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 11)
        round = try decoder.count(max: .max)
        bestScore = Double(bitPattern: try decoder.uint())
        let steps = try decoder.count(max: .max)
        var arrays: [[Float]] = []
        for _ in 0..<8 { arrays.append(try Packed.floats(decoder.bytes(max: Packed.maxBytes))) }
        try decoder.end()
        parameters = Parameters(dense: arrays[0], tokens: arrays[1])
        best = Parameters(dense: arrays[2], tokens: arrays[3])
        adam = AdamState(arrays: Array(arrays[4...]), steps: steps)
    }
}

/// `[round, bytes, [token, sums]…, [sums…], [steps, moments ×4, residuals, last base ×2]…]`
extension SavedJoint {
    var encoded: Bytes {
        var encoder = CBOREncoder()
        encoder.array(5)
        encoder.uint(UInt64(round))
        encoder.uint(UInt64(bytes))
        encoder.array(2 * sums.rows.count)
        for row in sums.rows {
            encoder.bytes(row.token.bytes)
            encoder.bytes(row.bytes)
        }
        encoder.array(sums.tensors.count)
        for tensor in sums.tensors { encoder.bytes(tensor) }
        encoder.array(8 * trainers.count)
        for trainer in trainers {
            encoder.uint(UInt64(trainer.adam.steps))
            for floats in trainer.adam.arrays { encoder.bytes(Packed.bytes(floats)) }
            encoder.bytes(trainer.residuals)
            encoder.bytes(Packed.bytes(trainer.lastBase?.dense ?? []))
            encoder.bytes(Packed.bytes(trainer.lastBase?.tokens ?? []))
        }
        return encoder.bytes
    }

    init(encoded: Bytes) throws {
        var decoder = CBORDecoder(encoded)
        try decoder.array(exactly: 5)
        round = try decoder.count(max: .max)
        bytes = try decoder.count(max: .max)
        sums = SavedSums(rows: [], tensors: [])
        for _ in 0..<(try decoder.array(max: Packed.maxBytes)) / 2 {
            guard let token = TokenID(try decoder.bytes(max: 16)) else { throw BenchmarkError.damagedCheckpoint }
            sums.rows.append((token, try decoder.bytes(max: Packed.maxBytes)))
        }
        for _ in 0..<(try decoder.array(max: 1_000)) { sums.tensors.append(try decoder.bytes(max: Packed.maxBytes)) }
        trainers = []
        for _ in 0..<(try decoder.array(max: 8_000)) / 8 {
            let steps = try decoder.count(max: .max)
            var arrays: [[Float]] = []
            for _ in 0..<4 { arrays.append(try Packed.floats(decoder.bytes(max: Packed.maxBytes))) }
            let residuals = try decoder.bytes(max: Packed.maxBytes)
            let base = Parameters(
                dense: try Packed.floats(decoder.bytes(max: Packed.maxBytes)),
                tokens: try Packed.floats(decoder.bytes(max: Packed.maxBytes)))
            trainers.append(
                SavedTrainer(
                    adam: AdamState(arrays: arrays, steps: steps), residuals: residuals,
                    lastBase: base.dense.isEmpty ? nil : base))
        }
        try decoder.end()
    }
}

extension AdamState {
    fileprivate var arrays: [[Float]] { [dense.first, dense.second, tokens.first, tokens.second] }

    fileprivate init(arrays: [[Float]], steps: Int) {
        self.init(
            dense: Moments(first: arrays[0], second: arrays[1]),
            tokens: Moments(first: arrays[2], second: arrays[3]), steps: steps)
    }
}

/// Floats as little-endian bytes.
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

    static func floats(_ bytes: Bytes) throws -> [Float] {
        guard bytes.count.isMultiple(of: 4) else { throw BenchmarkError.damagedCheckpoint }
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map {
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)))
            }
        }
    }
}
