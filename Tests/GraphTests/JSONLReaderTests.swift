import Graph
import Testing
import Wire

@Suite struct JSONLReaderTests {
    /// All records of a file that is fed in chunks of `size` bytes.
    private func read(_ file: Bytes, chunk size: Int = 1 << 20) throws(GraphError) -> [GraphRecord] {
        var reader = JSONLReader()
        var records: [GraphRecord] = []
        var rest = file[...]
        while !rest.isEmpty {
            reader.feed(Bytes(rest.prefix(size)))
            rest = rest.dropFirst(size)
            while let record = try reader.next() { records.append(record) }
        }
        reader.finish()
        while let record = try reader.next() { records.append(record) }
        return records
    }

    private func read(_ text: String) throws(GraphError) -> [GraphRecord] { try read(Bytes(text.utf8)) }

    private func fault(_ file: Bytes) -> JSONLFault? {
        do throws(GraphError) {
            _ = try read(file)
            return nil
        } catch .malformedRecord(let fault) {
            return fault
        } catch {
            return nil
        }
    }

    private func reason(_ text: String) -> JSONLFault.Reason? { fault(Bytes(text.utf8))?.reason }

    @Test func `nodes, edges and perspectives are read with all their fields`() throws {
        let text = """
            {"node": "a", "kind": "section", "content": "x\\ty\\u00e9\\ud83d\\ude00", "language": "en", \
            "parent": "b", "position": 7, "metadata": {"line": [1, {"k": null}]}}
            {"tail": "b", "head": "a", "relation": "links to", "weight": 2.5e0, "metadata": {}}

            {"agent": "triage", "node": "a", "weight": -1, "context": "b", "reasoning": "old"}
            """
        #expect(
            try read(text) == [
                .node(
                    NodeRecord(
                        name: "a", kind: "section", content: "x\tyé😀", language: "en", parent: "b", position: 7,
                        metadata: Bytes(#"{"line": [1, {"k": null}]}"#.utf8))),
                .edge(
                    EdgeRecord(head: "a", relation: "links to", tail: "b", weight: 2.5, metadata: Bytes("{}".utf8))),
                .perspective(
                    PerspectiveRecord(agent: "triage", node: "a", weight: -1, context: "b", reasoning: "old")),
            ])
    }

    @Test func `what is left out or null has its default`() throws {
        #expect(try read(#"{"node":"a"}"#) == [.node(NodeRecord(name: "a"))])
        #expect(try read(#"{"node":"a","parent":null,"language":null}"#) == [.node(NodeRecord(name: "a"))])
        #expect(
            try read(#"{"head":"a","relation":"r","tail":"b"}"#)
                == [.edge(EdgeRecord(head: "a", relation: "r", tail: "b", weight: 1))])
    }

    @Test(arguments: [1, 2, 3, 7, 64]) func `the size of the chunks does not matter`(_ size: Int) throws {
        let text =
            "\u{FEFF}{\"node\":\"ä\"}\r\n\n  \t\r\n{\"head\":\"a\",\"relation\":\"r\",\"tail\":\"b\"}\n{\"node\":\"z\"}"
        #expect(try read(Bytes(text.utf8), chunk: size) == read(text))
        #expect(try read(text).count == 3)
    }

    @Test(arguments: [
        (#"{"node": "a""#, 13, "not JSON: , or } is missing"),
        (#"{"node": "a"} x"#, 15, "not JSON: the end of the line is missing"),
        (#"{"node": "a",}"#, 14, "not JSON: \" is missing"),
        (#"["node"]"#, 1, "not JSON: { is missing"),
        (
            #"{"node": "a", "colour": 1}"#, 15,
            "the field \"colour\" is unknown; a record has \"node\", or \"head\", \"relation\" and \"tail\", "
                + "or \"agent\", \"node\" and \"weight\""
        ),
        (#"{"node": "a", "node": "b"}"#, 15, "the key \"node\" occurs twice"),
        (#"{"node": 1}"#, 10, "\"node\" must be a string"),
        (#"{"node": ""}"#, 10, "\"node\" is empty"),
        (#"{"node": "a", "position": 1.0}"#, 27, "\"position\" must be a whole number from 0 to 2147483647"),
        (#"{"node": "a", "position": -1}"#, 27, "\"position\" must be a whole number from 0 to 2147483647"),
        (#"{"node": "a", "metadata": []}"#, 27, "\"metadata\" must be an object"),
        (#"{"node": "a", "metadata": {"k": 1, "k": 2}}"#, 36, "the key \"k\" occurs twice"),
        (#"{"node": "a", "weight": 1}"#, 15, "the field \"weight\" does not belong in a node"),
        (#"{"head": "a", "tail": "b"}"#, 27, "an edge needs the field \"relation\""),
        (#"{"head": "a", "relation": "r", "tail": "b", "weight": -0.5}"#, 45, "\"weight\" must be a number, 0 or more"),
        (
            #"{"head": "a", "relation": "r", "tail": "b", "weight": 1e999}"#, 55,
            "a number is too large or longer than 64 bytes"
        ),
        (#"{"agent": "x", "node": "a"}"#, 28, "a perspective needs the field \"weight\""),
        (#"{"agent": "x", "node": "a", "weight": 1.01}"#, 29, "\"weight\" must be a number from -1 to 1"),
        (
            #"{"kind": "x"}"#, 14,
            "a record has \"node\", or \"head\", \"relation\" and \"tail\", or \"agent\", \"node\" and \"weight\""
        ),
        (#"{"node": "\ud800"}"#, 11, "a string has half a surrogate pair"),
        (#"{"node": "\udc00"}"#, 11, "a string has half a surrogate pair"),
        (#"{"node": "a\u0000"}"#, 12, "a string has U+0000, which PostgreSQL cannot hold"),
        (#"{"node": "\x"}"#, 11, "a string has an unknown escape"),
        (#"{"node": "a", "metadata": {"n": 01}}"#, 34, "not JSON: , or } is missing"),
        (#"{"node": "a", "metadata": {"n": .5}}"#, 33, "not JSON: a value is missing"),
        (#"{"node": "a", "metadata": {"n": NaN}}"#, 33, "not JSON: a value is missing"),
    ])
    func `a faulty line is refused with line, column and reason`(_ text: String, _ column: Int, _ reason: String) {
        let found = fault(Bytes("{\"node\":\"good\"}\n\(text)\n".utf8))
        #expect(found?.line == 2)
        #expect(found?.column == column, "\(text)")
        #expect(found?.reason.description == reason)
    }

    @Test func `bytes that are no UTF-8 are refused where they stand`() {
        let line = Bytes(#"{"node": "a\t"#.utf8) + [0xC3, 0x28] + Bytes(#""}"#.utf8)
        #expect(fault(line) == JSONLFault(line: 1, column: 14, reason: .invalidUTF8))
        #expect(
            fault(Bytes("{\"node\": \"a\u{1}\"}".utf8))?.reason == .string("a control character; write it as \\u00XX"))
    }

    @Test func `depth, length of lines and size of fields are bounded`() throws {
        func nested(_ depth: Int) -> String {
            #"{"node":"a","metadata":{"x":"# + String(repeating: "[", count: depth)
                + String(repeating: "]", count: depth)
                + "}}"
        }
        #expect(try read(nested(JSONLLimits.depth - 2)).count == 1)
        #expect(reason(nested(JSONLLimits.depth - 1)) == .tooDeep)
        #expect(
            reason(#"{"node":"a","metadata":"# + String(repeating: "[", count: 1_000_000))
                == .wrongType("metadata", must: "an object"))

        let name = String(repeating: "n", count: CanonicalName.maxBytes)
        #expect(try read(#"{"node":"\#(name)"}"#).count == 1)
        #expect(reason(#"{"node":"\#(name)n"}"#) == .name("node", .tooLong(bytes: CanonicalName.maxBytes + 1)))
        let content = String(repeating: "c", count: JSONLLimits.contentBytes)
        #expect(try read(#"{"node":"a","content":"\#(content)"}"#).count == 1)
        #expect(
            reason(#"{"node":"a","content":"\#(content)c"}"#)
                == .tooLong("content", bytes: JSONLLimits.contentBytes + 1, limit: JSONLLimits.contentBytes))
        let metadata = String(repeating: "m", count: JSONLLimits.metadataBytes)
        #expect(
            reason(#"{"node":"a","metadata":{"m":"\#(metadata)"}}"#)
                == .tooLong("metadata", bytes: JSONLLimits.metadataBytes + 8, limit: JSONLLimits.metadataBytes))
        #expect(
            reason(#"{"agent":"\#(String(repeating: "a", count: 65))","node":"a","weight":0}"#)
                == .tooLong("agent", bytes: 65, limit: 64))
    }

    @Test(arguments: [1 << 10, 1 << 20]) func `a line without end is refused before it is held`(_ chunk: Int) {
        var check = JSONLCheck(limit: 2)
        check.feed(Bytes("{\"node\":\"a\"}\n".utf8))
        for _ in 0...(2 * JSONLLimits.lineBytes / chunk) { check.feed(Bytes(repeating: 0x20, count: chunk)) }
        check.feed(Bytes("\n{\"node\":\"b\"}\n{\"node\":2}".utf8))
        check.finish()
        #expect(check.recordCount == 2)
        #expect(check.faultCount == 2)
        #expect(
            check.faults == [
                JSONLFault(line: 2, column: JSONLLimits.lineBytes + 1, reason: .longLine),
                JSONLFault(line: 4, column: 9, reason: .wrongType("node", must: "a string")),
            ])
    }

    @Test func `what the writer writes the reader reads`() throws {
        var random = Random(seed: 7)
        func text(_ count: Int) -> String {
            var text = String.UnicodeScalarView()
            while text.isEmpty || text.count < count {
                let code: UInt32 = [0x01, 0x20, 0x22, 0x5C, 0x0A, 0x7F, 0x41, 0xE9, 0x2028, 0x1F600].randomElement(
                    using: &random)!
                text.append(Unicode.Scalar(code + UInt32.random(in: 0..<3, using: &random))!)
            }
            return String(text)
        }
        func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
        for _ in 0..<500 {
            let count = Int.random(in: 0..<30, using: &random)
            let metadata = JSONLWriter.object([("k", .text(text(count))), ("l", .list([.number(-3), .object([])]))])
            let record: GraphRecord =
                switch Int.random(in: 0..<3, using: &random) {
                case 0:
                    .node(
                        NodeRecord(
                            name: text(count), kind: maybe(text(5)) ?? NodeRecord.defaultKind,
                            content: maybe(text(count)),
                            language: maybe(text(3)), parent: maybe(text(count)),
                            position: Int32.random(in: 0...Int32.max, using: &random), metadata: maybe(metadata)))
                case 1:
                    .edge(
                        EdgeRecord(
                            head: text(count), relation: text(3), tail: text(count),
                            weight: Double.random(in: 0...1e12, using: &random), metadata: maybe(metadata)))
                default:
                    .perspective(
                        PerspectiveRecord(
                            agent: text(4), node: text(count), weight: Double.random(in: -1...1, using: &random),
                            context: maybe(text(count)), reasoning: maybe(text(count))))
                }
            #expect(try read(JSONLWriter.line(record)) == [record])
        }
    }

    @Test func `whatever the bytes are, there is a record or a fault`() {
        var random = Random(seed: 11)
        let good = Bytes(
            #"{"node":"aé","kind":"k","content":"\u00e9\n","parent":"p","position":1,"metadata":{"a":[1,-2.5e3,true,null,"s"]}}"#
                .utf8)
        for _ in 0..<5_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(good[Int.random(in: 0..<good.count, using: &random)], at: at)
                }
            }
            var check = JSONLCheck()
            check.feed(bytes)
            check.finish()
            #expect(check.recordCount + check.faultCount >= 1)
        }
    }
}
