import Graph
import Testing
import Wire

@Suite struct TripleReaderTests {
    static let wellFormed: [(String, [[String]])] = [
        ("", []),
        ("\n\r\n\n", []),
        ("a\tb\tc", [["a", "b", "c"]]),
        ("a\tb\tc\n", [["a", "b", "c"]]),
        ("a\tb\tc\r\nd\te\tf\r\n", [["a", "b", "c"], ["d", "e", "f"]]),
        ("a\tb\tc\r", [["a", "b", "c"]]),
        ("\u{FEFF}a\tb\tc\n", [["a", "b", "c"]]),
        ("\u{FEFF}\n\na\tb\tc\n", [["a", "b", "c"]]),
        ("a b\t c \t d\n", [["a b", " c ", " d"]]),
        ("Zürich\tliegt in\t瑞士\n", [["Zürich", "liegt in", "瑞士"]]),
        ("a\u{01}b\tr\rr\tc\u{7F}\n", [["a\u{01}b", "r\rr", "c\u{7F}"]]),
    ]

    @Test(arguments: wellFormed) func `a triple file is read whatever its line ends`(
        text: String, rows: [[String]]
    ) throws {
        #expect(try read([bytes(text)]) == rows)
    }

    @Test(arguments: wellFormed) func `chunks may end anywhere`(text: String, rows: [[String]]) throws {
        let whole = bytes(text)
        #expect(try read(whole.map { [$0] }) == rows, "byte by byte")
        for cut in 0...whole.count {
            #expect(try read([Bytes(whole[..<cut]), [], Bytes(whole[cut...])]) == rows, "cut at \(cut)")
        }
    }

    static let name1024 = String(repeating: "n", count: CanonicalName.maxBytes)
    static let malformed: [(Bytes, TripleFault)] = [
        (bytes("a"), TripleFault(line: 1, column: 2, reason: .fieldCount(1))),
        (bytes("\n\na\tb\n"), TripleFault(line: 3, column: 4, reason: .fieldCount(2))),
        (bytes("a\tb\tc\td\n"), TripleFault(line: 1, column: 6, reason: .fieldCount(4))),
        (bytes("a\tb\tc\t\n"), TripleFault(line: 1, column: 6, reason: .fieldCount(4))),
        (bytes("a\tb\tc\td\te\tf\tg\n"), TripleFault(line: 1, column: 6, reason: .fieldCount(7))),
        (bytes(" \n"), TripleFault(line: 1, column: 2, reason: .fieldCount(1))),
        (bytes("\tb\tc\n"), TripleFault(line: 1, column: 1, reason: .emptyField(1))),
        (bytes("a\t\tc\n"), TripleFault(line: 1, column: 3, reason: .emptyField(2))),
        (bytes("a\tb\t\n"), TripleFault(line: 1, column: 5, reason: .emptyField(3))),
        (bytes("a\tb\t\r\n"), TripleFault(line: 1, column: 5, reason: .emptyField(3))),
        (bytes("\u{FEFF}a\tb\t\n"), TripleFault(line: 1, column: 5, reason: .emptyField(3))),
        (bytes("\t\t\n"), TripleFault(line: 1, column: 1, reason: .emptyField(1))),
        (bytes("x\ty\tz\na\tb\0\tc\n"), TripleFault(line: 2, column: 4, reason: .containsNUL)),
        ([0xFF, 0xFE, 0x61, 0x00], TripleFault(line: 1, column: 4, reason: .containsNUL)),
        (bytes("a\t") + [0xC3, 0x28] + bytes("\tc"), TripleFault(line: 1, column: 3, reason: .invalidUTF8)),
        (bytes("a\tb\tc") + [0xE2, 0x82], TripleFault(line: 1, column: 6, reason: .invalidUTF8)),
        (bytes("a\tb\t") + [0xED, 0xA0, 0x80], TripleFault(line: 1, column: 5, reason: .invalidUTF8)),
        (bytes("a\tb\t") + [0xC0, 0x80], TripleFault(line: 1, column: 5, reason: .invalidUTF8)),
        // A byte order mark elsewhere is a part of a name: no fault. In line 2 it must not be dropped.
        (bytes("a\tb\tc\n\u{FEFF}\tb\t\n"), TripleFault(line: 2, column: 7, reason: .emptyField(3))),
        (bytes("a\tb\t\(name1024)n"), TripleFault(line: 1, column: 5, reason: .longField(3, bytes: 1_025))),
        (
            Bytes(repeating: 0x61, count: TripleReader.maxLineBytes + 1),
            TripleFault(line: 1, column: 65_537, reason: .longLine)
        ),
    ]

    @Test(arguments: malformed) func `a faulty line is named by line, column and reason`(
        file: Bytes, fault: TripleFault
    ) {
        #expect(throws: GraphError.malformed(fault)) { try read([file]) }
        #expect(throws: GraphError.malformed(fault), "in two chunks") {
            try read([Bytes(file[..<(file.count / 2)]), Bytes(file[(file.count / 2)...])])
        }
    }

    @Test func `the longest name and the longest line are read`() throws {
        #expect(try read([bytes("a\tb\t\(Self.name1024)\n")]) == [["a", "b", Self.name1024]])
        let tooManyFields = Bytes(repeating: UInt8(ascii: "\t"), count: TripleReader.maxLineBytes)
        let fault = TripleFault(line: 1, column: 3, reason: .fieldCount(65_537))
        #expect(throws: GraphError.malformed(fault)) { try read([tooManyFields, bytes("\n")]) }
    }

    @Test func `an endless line is refused before it is stored`() throws {
        var reader = TripleReader()
        let block = Bytes(repeating: 0x61, count: 1 << 16)
        reader.feed(block)
        #expect(try reader.next() == nil)
        reader.feed(block)
        #expect(throws: GraphError.malformed(TripleFault(line: 1, column: 65_537, reason: .longLine))) {
            try reader.next()
        }
        for _ in 0..<8 {
            reader.feed(block)
            #expect(try reader.next() == nil, "the rest of the refused line is dropped")
        }
        reader.feed(bytes("a\nx\ty\tz\n"))
        #expect(try reader.next()?.line == 2)
    }

    @Test func `triples know their line`() throws {
        var reader = TripleReader()
        reader.feed(bytes("\na\tb\tc\n\nd\te\tf"))
        #expect(try reader.next()?.line == 2)
        #expect(try reader.next() == nil)
        reader.finish()
        #expect(try reader.next()?.line == 4)
        #expect(try reader.next() == nil)
    }

    @Test func `a check counts all faults and keeps the first ones`() {
        var check = TripleCheck(limit: 2)
        check.feed(bytes("a\tb\tc\nbad\n\td\te\nf\tg\th\ni\t"))
        check.feed(bytes("j\n"))
        check.finish()
        #expect(check.tripleCount == 2)
        #expect(check.faultCount == 3)
        #expect(
            check.faults == [
                TripleFault(line: 2, column: 4, reason: .fieldCount(1)),
                TripleFault(line: 3, column: 1, reason: .emptyField(1)),
            ])
    }

    @Test func `random bytes end in triples or in a fault, the same for any chunks`() {
        var random = Random(seed: 20_261_120)
        let alphabet: Bytes = [0x61, 0x61, 0x62, 0x09, 0x09, 0x0A, 0x0D, 0x00, 0xC3, 0xA4, 0xEF, 0xBB, 0xBF]
        for _ in 0..<3_000 {
            let file = (0..<random.below(24)).map { _ in alphabet[random.below(alphabet.count)] }
            var pieces: [Bytes] = []
            var rest = file[...]
            while !rest.isEmpty {
                let size = 1 + random.below(rest.count)
                pieces.append(Bytes(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            let whole = Result { () throws(GraphError) in try read([file]) }
            let parts = Result { () throws(GraphError) in try read(pieces) }
            #expect(whole == parts, "\(file) in \(pieces)")
        }
    }
}
