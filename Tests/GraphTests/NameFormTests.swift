import Graph
import Testing
import Wire

@Suite struct NameFormTests {
    @Test(arguments: [
        ("Aspirin", "aspirin"), ("  ASPIRIN \t 100 ", "aspirin 100"), ("Größe", "grösse"), ("GRO\u{308}SSE", "grösse"),
        ("Stra\u{1E9E}e", "strasse"), ("ΣΟΦΟΣ", "σοφοσ"), ("σοφος", "σοφοσ"), ("\u{212B}", "å"), ("\u{1F80}", "ἀι"),
        ("a\u{A0}\u{2003}b", "a b"), ("İ", "i\u{307}"), ("東京", "東京"), ("\u{1100}\u{1161}", "\u{AC00}"),
        ("ﬁn", "fin"),
    ])
    func `names that differ in case, space or composition become one`(name: String, form: String) {
        #expect(Bytes(NameForm.normalized(name).utf8) == Bytes(form.utf8))
    }

    @Test func `a newer or unassigned character keeps the whole name as it is`() {
        // Unicode 16 gave U+A7CB; U+0378 is unassigned.
        for name in ["A\u{A7CB} B", "A\u{378}"] { #expect(NameForm.normalized(name) == name) }
        for name in ["   ", " "] { #expect(NameForm.normalized(name) == name, "nothing would be left") }
        let long = String(repeating: "\u{390}", count: 512)
        #expect(NameForm.normalized(long) == long, "1,024 bytes, which folding keeps")
        let longer = String(repeating: "\u{149}", count: 512)
        #expect(NameForm.normalized(longer) == longer, "folding would make 1,536 bytes")
    }

    @Test func `the normal form of a normal form is itself, for every character alone and among others`() {
        for value in UInt32(0x80)...0x1_FFFF {
            guard let scalar = Unicode.Scalar(value),
                scalar.properties.changesWhenCaseMapped || value.isMultiple(of: 16)
            else { continue }
            for text in ["\(scalar)", "e\u{301}\(scalar)\u{345}x"] {
                let form = NameForm.normalized(text)
                if Bytes(NameForm.normalized(form).utf8) != Bytes(form.utf8) {
                    Issue.record("U+\(String(value, radix: 16)): \(text) -> \(form)")
                }
            }
        }
    }

    @Test func `bytes that are not UTF-8 are left alone`() {
        let bytes: Bytes = [0x41, 0xFF]
        #expect(NameForm.normalized(bytes[...]) == bytes[...])
    }
}

@Suite struct AliasTableTests {
    private func fault(_ text: String) -> AliasFault? {
        do throws(GraphError) {
            _ = try AliasTable(file: bytes(text))
            return nil
        } catch {
            guard case .alias(let fault) = error else { return nil }
            return fault
        }
    }

    private func canonical(_ name: String, _ rules: NameRules) -> String {
        String(decoding: rules.canonical(bytes(name)[...]), as: UTF8.self)
    }

    @Test func `a file of pairs is read, blank and repeated lines included`() throws {
        let table = try AliasTable(file: bytes("\u{FEFF}ASA\taspirin\r\n\nASA\taspirin\naspirin\taspirin"))
        #expect(table.entries.map { String(decoding: $0.name, as: UTF8.self) } == ["ASA", "aspirin"])
        #expect(try AliasTable(file: []).entries.isEmpty)
    }

    @Test func `a faulty line is told`() {
        #expect(fault("a\tb\nc") == AliasFault(line: 2, reason: .fieldCount(1)))
        #expect(fault("a\tb\tc") == AliasFault(line: 1, reason: .fieldCount(3)))
        #expect(fault("\tb") == AliasFault(line: 1, reason: .name(.empty)))
        #expect(fault("a\t") == AliasFault(line: 1, reason: .canonical(.empty)))
        #expect(fault("a\tb\0") == AliasFault(line: 1, reason: .canonical(.containsNUL(at: 1))))
        #expect(fault("a\tb\n\na\tc") == AliasFault(line: 3, reason: .contradicts(line: 1)))
        #expect(fault("x\ty\na\tb\nb\tc") == AliasFault(line: 2, reason: .chain(canonical: "b")))
    }

    @Test func `an alias counts exactly, and by its normal form where names are normalised`() throws {
        let table = try AliasTable(file: bytes("ASA\tAspirin\nacetylsalicylic acid\tAspirin\n"))
        let exact = NameRules(aliases: table)
        #expect(canonical("ASA", exact) == "Aspirin")
        #expect(canonical("asa", exact) == "asa")
        let normal = NameRules(aliases: table, normalizes: true)
        #expect(canonical("asa", normal) == "aspirin")
        #expect(canonical("Acetylsalicylic  Acid", normal) == "aspirin")
        #expect(canonical("aspirin ", normal) == "aspirin")
        #expect(canonical("Ibuprofen", NameRules(normalizes: true)) == "ibuprofen")
        #expect(canonical(" Ibuprofen", NameRules()) == " Ibuprofen")
    }
}
