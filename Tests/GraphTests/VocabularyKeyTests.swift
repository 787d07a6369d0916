import Graph
import Testing
import Wire

@Suite struct VocabularyKeyTests {
    /// Made with Python: hashlib.blake2b(bytes([kind]) + name, key=bytes(range(32)), digest_size=16).
    @Test func `ids are keyed BLAKE2b-128 of kind and name`() throws {
        #expect(try testKey.token(.node, named: "Zürich").hex == "0aa05e88fea7480721c9aadeb7c9763f")
        #expect(try testKey.token(.relation, named: "Zürich").hex == "30ff8fc1c5ee67376d8f6d23a44b813a")
        #expect(try testKey.token(.inverseRelation, named: "Zürich").hex == "0ae083cb305343fb7067107f57ccef73")
        let relation = try testKey.relation(named: "Zürich")
        #expect(relation.forward.hex == "30ff8fc1c5ee67376d8f6d23a44b813a")
        #expect(relation.inverse.hex == "0ae083cb305343fb7067107f57ccef73")
    }

    @Test func `another key gives other ids`() throws {
        let other = try VocabularyKey(Bytes(1...32))
        #expect(try other.token(.node, named: "a") != testKey.token(.node, named: "a"))
    }

    @Test func `names are exact bytes`() throws {
        let composed = try testKey.token(.node, named: "\u{E4}")
        #expect(try composed != testKey.token(.node, named: "a\u{308}"), "no normalisation")
        #expect(try testKey.token(.node, named: "a") != testKey.token(.node, named: "a "))
    }

    @Test(arguments: [
        ([], NameFault.empty),
        ([0x61, 0x00, 0x62], .containsNUL(at: 1)),
        ([0x61, 0xFF], .invalidUTF8(at: 1)),
        ([0xC3], .invalidUTF8(at: 0)),
        (Bytes(repeating: 0x61, count: 1_025), .tooLong(bytes: 1_025)),
    ]) func `a name that cannot be canonical is refused`(name: Bytes, fault: NameFault) {
        for kind in TokenKind.allCases {
            #expect(throws: GraphError.name(fault)) { try testKey.token(kind, named: name[...]) }
        }
        #expect(throws: GraphError.name(fault)) { try testKey.relation(named: name[...]) }
    }

    @Test func `offsets of faults count from the slice`() {
        let outer: Bytes = [0xFF, 0x00, 0x61, 0x00]
        #expect(throws: GraphError.name(.containsNUL(at: 1))) { try testKey.token(.node, named: outer[2...]) }
    }

    @Test(arguments: [0, 31, 33]) func `a key of another size is refused`(size: Int) {
        #expect(throws: GraphError.vocabularyKeySize(size)) { try VocabularyKey(Bytes(repeating: 7, count: size)) }
    }

    @Test func `the secret does not show in texts or dumps`() {
        var dumped = ""
        dump(testKey, to: &dumped)
        for text in ["\(testKey)", String(reflecting: testKey), dumped, "\([testKey])"] {
            #expect(!text.contains("31") && !text.contains("1f"), "\(text)")
        }
    }
}
