import Testing
import Wire

@Suite struct CBORTests {
    @Test(
        arguments: [
            (0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"), (65_535, "19ffff"),
            (65_536, "1a00010000"),
            (4_294_967_295, "1affffffff"), (4_294_967_296, "1b0000000100000000"), (UInt64.max, "1bffffffffffffffff"),
        ] as [(UInt64, String)])
    func `unsigned integers take their shortest form (RFC 8949 appendix A)`(value: UInt64, hex: String) throws {
        var encoder = CBOREncoder()
        encoder.uint(value)
        #expect(Hex.encode(encoder.bytes) == hex)
        var decoder = CBORDecoder(encoder.bytes)
        #expect(try decoder.uint() == value)
        try decoder.end()
    }

    @Test(
        arguments: [(-1, "20"), (-19, "32"), (-100, "3863"), (Int64.min, "3b7fffffffffffffff"), (10, "0a")]
            as [(Int64, String)])
    func `integers of either sign round-trip`(value: Int64, hex: String) throws {
        var encoder = CBOREncoder()
        encoder.int(value)
        #expect(Hex.encode(encoder.bytes) == hex)
        var decoder = CBORDecoder(encoder.bytes)
        #expect(try decoder.int() == value)
    }

    @Test(arguments: ["1800", "190017", "1a0000ffff", "1b00000000ffffffff", "1c", "1f", "5f", "5801ff", "9f00ff"])
    func `a longer than necessary or indefinite form is refused`(hex: String) {
        let bytes = Hex.decode(hex)!
        #expect(throws: CBORError.self) {
            var decoder = CBORDecoder(bytes)
            if bytes[0] >> 5 == 2 {
                _ = try decoder.bytes(max: 100)
            } else if bytes[0] >> 5 == 4 {
                _ = try decoder.array(max: 100)
            } else {
                _ = try decoder.uint()
            }
        }
    }

    @Test func `a length beyond the input is refused before anything is allocated`() {
        var bytes = CBORDecoder(Hex.decode("5b7fffffffffffffff00")!)
        #expect(throws: CBORError.self) { try bytes.bytes(max: .max) }
        var array = CBORDecoder(Hex.decode("9b7fffffffffffffff00")!)
        #expect(throws: CBORError.truncated(at: 0)) { try array.array(max: .max) }
    }

    @Test func `every prefix of an item is truncated, every suffix is trailing`() throws {
        var encoder = CBOREncoder()
        encoder.array(5)
        encoder.uint(70_000)
        encoder.bytes(Bytes(repeating: 7, count: 30))
        encoder.text("straße")
        encoder.bool(true)
        encoder.null()
        func read(_ bytes: Bytes) throws(CBORError) {
            var decoder = CBORDecoder(bytes)
            try decoder.array(exactly: 5)
            _ = try decoder.uint()
            _ = try decoder.bytes(exactly: 30)
            _ = try decoder.text(max: 20)
            _ = try decoder.bool()
            guard try decoder.null() else { throw .unexpected(at: decoder.position, wanted: "null") }
            try decoder.end()
        }
        try read(encoder.bytes)
        for length in 0..<encoder.bytes.count {
            #expect(throws: CBORError.self) { try read(Bytes(encoder.bytes.prefix(length))) }
        }
        #expect(throws: CBORError.trailing(at: encoder.bytes.count)) { try read(encoder.bytes + [0]) }
    }

    @Test func `text must be UTF-8`() {
        var decoder = CBORDecoder([0x62, 0xC3, 0x28])
        #expect(throws: CBORError.notCanonical(at: 0)) { try decoder.text(max: 10) }
    }
}
