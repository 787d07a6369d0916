public import Wire

/// Writes records as lines that ``JSONLReader`` takes: the inverse of it.
public enum JSONLWriter {
    /// A value of metadata.
    public indirect enum Value: Sendable {
        case text(String)
        case number(Int)
        case list([Value])
        case object([(key: String, value: Value)])
    }

    /// One line with its LF. Fields that hold their default are left out.
    ///
    /// - Precondition: the record is within ``JSONLLimits`` and its names are canonical; the reader checks it.
    public static func line(_ record: GraphRecord) -> Bytes {
        var object = Object()
        switch record {
        case .node(let node):
            object.text("node", node.name)
            if node.kind != NodeRecord.defaultKind { object.text("kind", node.kind) }
            if let content = node.content { object.text("content", content) }
            if let language = node.language { object.text("language", language) }
            if let parent = node.parent { object.text("parent", parent) }
            if node.position != 0 { object.raw("position", "\(node.position)".utf8) }
            if let metadata = node.metadata { object.raw("metadata", metadata) }
        case .edge(let edge):
            object.text("head", edge.head)
            object.text("relation", edge.relation)
            object.text("tail", edge.tail)
            if edge.weight != 1 { object.raw("weight", "\(edge.weight)".utf8) }
            if let metadata = edge.metadata { object.raw("metadata", metadata) }
        case .perspective(let perspective):
            object.text("agent", perspective.agent)
            object.text("node", perspective.node)
            object.raw("weight", "\(perspective.weight)".utf8)
            if let context = perspective.context { object.text("context", context) }
            if let reasoning = perspective.reasoning { object.text("reasoning", reasoning) }
        }
        return object.closed() + [UInt8(ascii: "\n")]
    }

    /// The text of a JSON object, for metadata. Keys must differ.
    public static func object(_ members: [(key: String, value: Value)]) -> Bytes {
        var object = Object()
        for member in members { object.raw(member.key, bytes(of: member.value)) }
        return object.closed()
    }

    private static func bytes(of value: Value) -> Bytes {
        switch value {
        case .text(let text): Object.quoted(text)
        case .number(let number): Bytes("\(number)".utf8)
        case .list(let values):
            [UInt8(ascii: "[")] + values.map(bytes(of:)).joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
        case .object(let members): object(members)
        }
    }

    private struct Object {
        private var bytes: Bytes = [UInt8(ascii: "{")]

        mutating func text(_ key: String, _ value: String) { raw(key, Self.quoted(value)) }

        mutating func raw(_ key: String, _ value: some Sequence<UInt8>) {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes += Self.quoted(key)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: value)
        }

        func closed() -> Bytes { bytes + [UInt8(ascii: "}")] }

        static func quoted(_ text: String) -> Bytes {
            var quoted: Bytes = [UInt8(ascii: "\"")]
            quoted.reserveCapacity(text.utf8.count + 2)
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): quoted += [UInt8(ascii: "\\"), byte]
                case 0x0A: quoted += "\\n".utf8
                case 0x09: quoted += "\\t".utf8
                case 0..<0x20: quoted += "\\u00\(Hex.encode([byte]))".utf8
                default: quoted.append(byte)
                }
            }
            quoted.append(UInt8(ascii: "\""))
            return quoted
        }
    }
}
