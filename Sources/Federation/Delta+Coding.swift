public import Wire

/// Raw form, compressed as a whole into one ``Frame``:
///
/// ```
/// [1, model:32B, round, steps, tokens seen, dense block, token block]
/// block = [precision 1|2, gaps:bstr, shifts:bstr, values:bstr]
/// gaps    LEB128, shortest form: first index, then index - previous - 1
/// shifts  one byte a row
/// values  int8, or int16 little-endian, row after row
/// ```
extension Delta {
    /// Decompresses and reads the body of an update-model-weights op. What it says is judged later, by
    /// ``ModelSpec/judge(_:announcedRows:)``, when its model and log are known.
    ///
    /// - Throws: ``FederationError`` for a refused frame or a raw form that is not canonical.
    /// - Complexity: O(body); at most 64 MiB are allocated, after the frame's claim was checked.
    public init(body: Bytes) throws(FederationError) {
        try self.init(raw: Frame.decompress(body, limit: Delta.maxBodyBytes, rawLimit: Delta.maxRawBytes))
    }

    /// The compressed body.
    public var body: Bytes { Frame.compress(raw) }

    init(raw: Bytes) throws(FederationError) {
        var decoder = try openBody(.delta, raw, items: 7)
        self = try reading(.delta) { () throws(CBORError) in
            let delta = Delta(
                model: try decoder.id(),
                round: try decoder.uint(max: Delta.maxCounter), steps: try decoder.uint(max: Delta.maxCounter),
                tokensSeen: try decoder.uint(max: Delta.maxCounter),
                dense: try RowBlock(&decoder), rows: try RowBlock(&decoder))
            try decoder.end()
            return delta
        }
    }

    package var raw: Bytes {
        var encoder = CBOREncoder(reserving: 128 + dense.rawBytes + rows.rawBytes)
        encoder.array(7)
        encoder.uint(ModelSpec.foldVersion)
        encoder.bytes(model.bytes)
        for number in [round, steps, tokensSeen] { encoder.uint(number) }
        dense.encode(to: &encoder)
        rows.encode(to: &encoder)
        return encoder.bytes
    }
}

extension RowBlock {
    /// Upper bound of a row's share of the raw form besides its values: shift and gap.
    static let overheadBytes = 6

    var rawBytes: Int { indices.count * RowBlock.overheadBytes + values.count * Int(values.precision.rawValue) + 16 }

    func encode(to encoder: inout CBOREncoder) {
        encoder.array(4)
        encoder.uint(UInt64(values.precision.rawValue))
        encoder.bytes(Gaps.encode(indices))
        encoder.bytes(shifts)
        switch values {
        case .int8(let values): encoder.bytes(values.withUnsafeBytes { Bytes($0) })
        case .int16(let values):
            encoder.bytes(values.map { $0.littleEndian }.withUnsafeBytes { Bytes($0) })
        }
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 4)
        let start = decoder.position
        guard let precision = Precision(rawValue: UInt8(try decoder.uint(max: 2))) else {
            throw .outOfRange(at: start, what: "precision 0")
        }
        let gapsAt = decoder.position
        let gaps = try decoder.bytes(max: Delta.maxRawBytes)
        shifts = try decoder.bytes(max: Delta.maxRawBytes)
        guard let indices = Gaps.decode(gaps, count: shifts.count) else { throw .notCanonical(at: gapsAt) }
        self.indices = indices
        let valuesAt = decoder.position
        let packed = try decoder.bytes(max: Delta.maxRawBytes)
        guard packed.count.isMultiple(of: Int(precision.rawValue)) else {
            throw .outOfRange(at: valuesAt, what: "half a value")
        }
        values = RowBlock.unpack(packed, precision)
        if shifts.isEmpty && (precision != .int8 || !packed.isEmpty) { throw .notCanonical(at: start) }
    }

    private static func unpack(_ bytes: Bytes, _ precision: Precision) -> Values {
        bytes.withUnsafeBytes { raw in
            switch precision {
            case .int8: .int8(Array(raw.bindMemory(to: Int8.self)))
            case .int16:
                .int16(
                    (0..<raw.count / 2).map {
                        Int16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self))
                    })
            }
        }
    }
}

/// Strictly increasing row numbers as LEB128 gaps: one byte a row while rows are dense.
enum Gaps {
    static func encode(_ indices: [UInt32]) -> Bytes {
        var bytes = Bytes()
        bytes.reserveCapacity(indices.count)
        var next: UInt32 = 0
        for index in indices {
            precondition(index >= next, "row numbers increase")
            var gap = index - next
            while gap > 127 {
                bytes.append(UInt8(gap & 127) | 128)
                gap >>= 7
            }
            bytes.append(UInt8(gap))
            next = index + 1
        }
        return bytes
    }

    /// Nil unless `bytes` are exactly `count` gaps in their shortest form and every index fits 31 bits.
    static func decode(_ bytes: Bytes, count: Int) -> [UInt32]? {
        guard count <= bytes.count else { return nil }
        var indices: [UInt32] = []
        indices.reserveCapacity(count)
        var next: UInt64 = 0
        var at = 0
        for _ in 0..<count {
            var gap: UInt64 = 0
            var digits: UInt64 = 0
            while true {
                guard at < bytes.count, digits < 35 else { return nil }
                let byte = bytes[at]
                at += 1
                gap |= UInt64(byte & 127) << digits
                if byte < 128 {
                    if byte == 0 && digits > 0 { return nil }
                    break
                }
                digits += 7
            }
            let index = next + gap
            guard index < 1 << 31 else { return nil }
            indices.append(UInt32(index))
            next = index + 1
        }
        return at == bytes.count ? indices : nil
    }
}
