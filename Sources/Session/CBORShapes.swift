import Identity
import Wire

// Shapes that several messages share.

extension CBOREncoder {
    mutating func ids<Tag>(_ ids: [ID32<Tag>]) {
        array(ids.count)
        for id in ids { bytes(id.bytes) }
    }

    mutating func perLane(_ values: PerLane<Int>) {
        array(3)
        for lane in Lane.allCases { uint(UInt64(values[lane])) }
    }
}

extension CBORDecoder {
    /// The head of an array whose count lies in `range`.
    mutating func array(_ range: ClosedRange<Int>) throws(CBORError) -> Int {
        let start = position
        let count = try array(max: range.upperBound)
        guard count >= range.lowerBound else {
            throw .outOfRange(at: start, what: "\(count) items < \(range.lowerBound)")
        }
        return count
    }

    /// An array of one integer.
    mutating func single() throws(CBORError) -> UInt64 {
        try array(exactly: 1)
        return try uint()
    }

    mutating func ids<Tag>(_ range: ClosedRange<Int>) throws(CBORError) -> [ID32<Tag>] {
        let count = try array(range)
        var ids = [ID32<Tag>]()
        ids.reserveCapacity(count)
        for _ in 0..<count { ids.append(try id()) }
        return ids
    }

    mutating func envelopes(_ range: ClosedRange<Int>) throws(CBORError) -> [Bytes] {
        let count = try array(range)
        var envelopes = [Bytes]()
        envelopes.reserveCapacity(count)
        for _ in 0..<count {
            let start = position
            let envelope = try bytes(max: SessionLimits.envelopeBytes)
            guard !envelope.isEmpty else { throw .outOfRange(at: start, what: "an empty envelope") }
            envelopes.append(envelope)
        }
        return envelopes
    }

    mutating func perLane(max: Int) throws(CBORError) -> PerLane<Int> {
        try array(exactly: 3)
        return PerLane(control: try count(max: max), ops: try count(max: max), bulk: try count(max: max))
    }

    mutating func logID() throws(CBORError) -> LogID { LogID(try bytes(exactly: 8))! }
}
