internal import Wire

/// The fields of one record in the order of the line, and the record they make.
struct JSONLFields {
    private enum Field: String, CaseIterable {
        case node, kind, content, language, parent, position, metadata
        case head, relation, tail, weight
        case agent, context, reasoning
    }

    /// What a record can be, as faults call it.
    private enum Shape: String {
        case node = "a node"
        case edge = "an edge"
        case perspective = "a perspective"

        var fields: [Field] {
            switch self {
            case .node: [.node, .kind, .content, .language, .parent, .position, .metadata]
            case .edge: [.head, .relation, .tail, .weight, .metadata]
            case .perspective: [.agent, .node, .weight, .context, .reasoning]
            }
        }
    }

    private var scanner: JSONLScanner
    /// Texts, but for null: that is as if the field were not there.
    private var texts: [Field: String] = [:]
    private var places: [(field: Field, at: Int)] = []
    private var weight = 1.0
    private var position: Int32 = 0
    private var metadata: Bytes?

    /// The record of one line that is not blank.
    static func record(_ scanner: JSONLScanner) throws(JSONLFault) -> GraphRecord {
        var fields = JSONLFields(scanner: scanner)
        try fields.read()
        return try fields.record()
    }

    private init(scanner: JSONLScanner) { self.scanner = scanner }

    private mutating func read() throws(JSONLFault) {
        try scanner.need("{", "{")
        if !scanner.take("}") {
            repeat {
                _ = scanner.peek()
                let place = scanner.at
                let key = try scanner.string()
                guard let field = Field(rawValue: key) else { throw scanner.fault(.unknownField(key), at: place) }
                guard !places.contains(where: { $0.field == field }) else {
                    throw scanner.fault(.repeatedKey(key), at: place)
                }
                places.append((field, place))
                try scanner.need(":", ":")
                try value(of: field)
            } while scanner.take(",")
            try scanner.need("}", ", or }")
        }
        guard scanner.isAtEnd() else { throw scanner.fault(.expected("the end of the line")) }
    }

    private mutating func value(of field: Field) throws(JSONLFault) {
        switch field {
        case .node, .head, .relation, .tail: try name(field)
        case .parent, .context: if !scanner.takeNull() { try name(field) }
        case .content: try text(field, 0...JSONLLimits.contentBytes)
        case .kind, .agent: try text(field, 1...JSONLLimits.wordBytes)
        case .language: if !scanner.takeNull() { try text(field, 1...JSONLLimits.wordBytes) }
        case .reasoning: if !scanner.takeNull() { try text(field, 0...JSONLLimits.reasoningBytes) }
        case .weight: weight = try number(field, "a number").value
        case .position:
            _ = scanner.peek()
            let place = scanner.at
            let number = try number(field, Self.wholeNumber)
            guard let whole = Int32(number.text), whole >= 0 else {
                throw scanner.fault(.wrongType(field.rawValue, must: Self.wholeNumber), at: place)
            }
            position = whole
        case .metadata:
            guard scanner.peek() == UInt8(ascii: "{") else { throw wrongType(field, "an object") }
            let first = scanner.at
            try scanner.skipValue(depth: 1)
            let bytes = scanner.slice(from: first)
            try check(field, bytes: bytes.count, JSONLLimits.metadataBytes, at: first)
            metadata = bytes
        }
    }

    private static let wholeNumber = "a whole number from 0 to \(Int32.max)"

    private func wrongType(_ field: Field, _ must: String) -> JSONLFault {
        scanner.fault(.wrongType(field.rawValue, must: must))
    }

    private func check(_ field: Field, bytes: Int, _ limit: Int, at place: Int) throws(JSONLFault) {
        guard bytes <= limit else {
            throw scanner.fault(.tooLong(field.rawValue, bytes: bytes, limit: limit), at: place)
        }
    }

    private mutating func string(_ field: Field) throws(JSONLFault) -> (text: String, place: Int) {
        guard scanner.peek() == UInt8(ascii: "\"") else { throw wrongType(field, "a string") }
        let place = scanner.at
        return (try scanner.string(), place)
    }

    private mutating func name(_ field: Field) throws(JSONLFault) {
        let (name, place) = try string(field)
        if let fault = CanonicalName.fault(in: Bytes(name.utf8)[...]) {
            throw scanner.fault(.name(field.rawValue, fault), at: place)
        }
        texts[field] = name
    }

    private mutating func text(_ field: Field, _ length: ClosedRange<Int>) throws(JSONLFault) {
        let (text, place) = try string(field)
        guard text.utf8.count >= length.lowerBound else {
            throw scanner.fault(.name(field.rawValue, .empty), at: place)
        }
        try check(field, bytes: text.utf8.count, length.upperBound, at: place)
        texts[field] = text
    }

    private mutating func number(_ field: Field, _ must: String) throws(JSONLFault) -> (text: String, value: Double) {
        switch scanner.peek() {
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return try scanner.number()
        default: throw wrongType(field, must)
        }
    }

    private func record() throws(JSONLFault) -> GraphRecord {
        let shape = try shape()
        for place in places where !shape.fields.contains(place.field) {
            throw scanner.fault(.foreignField(place.field.rawValue, in: shape.rawValue), at: place.at)
        }
        switch shape {
        case .node:
            return .node(
                NodeRecord(
                    name: try text(.node, in: shape), kind: texts[.kind] ?? NodeRecord.defaultKind,
                    content: texts[.content], language: texts[.language], parent: texts[.parent], position: position,
                    metadata: metadata))
        case .edge:
            guard weight >= 0 else { throw outside("a number, 0 or more") }
            return .edge(
                EdgeRecord(
                    head: try text(.head, in: shape), relation: try text(.relation, in: shape),
                    tail: try text(.tail, in: shape), weight: weight, metadata: metadata))
        case .perspective:
            guard places.contains(where: { $0.field == .weight }) else { throw missing(.weight, in: shape) }
            guard (-1...1).contains(weight) else { throw outside("a number from -1 to 1") }
            return .perspective(
                PerspectiveRecord(
                    agent: try text(.agent, in: shape), node: try text(.node, in: shape), weight: weight,
                    context: texts[.context], reasoning: texts[.reasoning]))
        }
    }

    private func shape() throws(JSONLFault) -> Shape {
        let has = Set(places.map(\.field))
        if has.contains(.agent) { return .perspective }
        if !has.isDisjoint(with: [.head, .relation, .tail]) { return .edge }
        if has.contains(.node) { return .node }
        throw scanner.fault(.noKind)
    }

    private func outside(_ must: String) -> JSONLFault {
        scanner.fault(.wrongType("weight", must: must), at: places.first { $0.field == .weight }?.at)
    }

    private func missing(_ field: Field, in shape: Shape) -> JSONLFault {
        scanner.fault(.missingField(field.rawValue, in: shape.rawValue))
    }

    private func text(_ field: Field, in shape: Shape) throws(JSONLFault) -> String {
        guard let text = texts[field] else { throw missing(field, in: shape) }
        return text
    }
}
