public import Identity
public import Wire

/// Body of a measurement op: what one elector found on its own data.
///
/// ```
/// [1, question, numbers | null]      null: it abstains, its data says nothing about it
/// ```
public struct Measurement: Hashable, Sendable {
    public let question: QuestionID
    /// By kind. pattern: [hits, trials]; claim, settlement: [gain in millionths of a nat]; checkpoint: [seconds since
    /// 1970]. Nil: abstains.
    public let numbers: [Int64]?

    public init(question: QuestionID, numbers: [Int64]?) {
        self.question = question
        self.numbers = numbers
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 3)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        question = try decoder.id()
        numbers = try decoder.null() ? nil : try decoder.integers(max: Value.Limits.numbers)
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 64)
        encoder.array(3)
        encoder.uint(1)
        encoder.bytes(question.bytes)
        if let numbers {
            encoder.array(numbers.count)
            for number in numbers { encoder.int(number) }
        } else {
            encoder.null()
        }
        return encoder.bytes
    }
}

/// Body of a proposal op: the value that follows from a set of measurements.
///
/// ```
/// [1, question, round, value, [measurement op …]]      ascending
/// ```
public struct Proposal: Hashable, Sendable {
    public let question: QuestionID
    public let round: UInt64
    public let value: Value
    public let measurements: [OpID]

    public init(question: QuestionID, round: UInt64, value: Value, measurements: [OpID]) {
        self.question = question
        self.round = round
        self.value = value
        self.measurements = measurements.sorted()
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 5)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        question = try decoder.id()
        round = try decoder.uint(max: Vote.rounds)
        value = try Value(decoding: try decoder.bytes(max: Value.Limits.bytes))
        var ids: [OpID] = []
        for _ in 0..<(try decoder.array(max: Electorate.Limits.members)) {
            let start = decoder.position
            let id: OpID = try decoder.id()
            guard ids.last.map({ $0 < id }) ?? true else { throw .notCanonical(at: start) }
            ids.append(id)
        }
        measurements = ids
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 256 + measurements.count * 34)
        encoder.array(5)
        encoder.uint(1)
        encoder.bytes(question.bytes)
        encoder.uint(round)
        encoder.bytes(value.encode())
        encoder.array(measurements.count)
        for id in measurements { encoder.bytes(id.bytes) }
        return encoder.bytes
    }
}
