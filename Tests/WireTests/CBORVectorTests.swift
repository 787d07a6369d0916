import Foundation
import Testing
import Wire

/// Reads any item of shoal's profile, by what its first byte says.
private func read(_ decoder: inout CBORDecoder, of bytes: Bytes, into encoder: inout CBOREncoder) throws(CBORError) {
    guard decoder.position < bytes.count else { throw .truncated(at: decoder.position) }
    let first = bytes[decoder.position]
    switch first >> 5 {
    case 0: encoder.uint(try decoder.uint())
    case 1: encoder.int(try decoder.int())
    case 2: encoder.bytes(try decoder.bytes(max: .max))
    case 3: encoder.text(try decoder.text(max: .max))
    case 4:
        let count = try decoder.array(max: .max)
        encoder.array(count)
        for _ in 0..<count { try read(&decoder, of: bytes, into: &encoder) }
    case 5:
        // The two maps of a COSE_Sign1: empty, or one pair.
        let count = first == 0xA0 ? 0 : 1
        try decoder.map(exactly: count)
        encoder.map(count)
        for _ in 0..<2 * count { try read(&decoder, of: bytes, into: &encoder) }
    case 6:
        try decoder.tag(18)
        encoder.tag(18)
        try read(&decoder, of: bytes, into: &encoder)
    default:
        if try decoder.null() { encoder.null() } else { encoder.bool(try decoder.bool()) }
    }
}

@Suite struct CBORVectorTests {
    private struct File: Decodable {
        struct Accepted: Decodable { let hex: String }
        struct Refused: Decodable { let hex, why: String }
        let accepted: [Accepted]
        let refused: [Refused]
    }

    private func file() throws -> File {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let path = tests.appendingPathComponent("IdentityTests/Vectors/cbor.json")
        return try JSONDecoder().decode(File.self, from: Data(contentsOf: path))
    }

    private func reencode(_ hex: String) throws -> String {
        let bytes = try #require(Hex.decode(hex))
        var decoder = CBORDecoder(bytes)
        var encoder = CBOREncoder()
        try read(&decoder, of: bytes, into: &encoder)
        try decoder.end()
        return Hex.encode(encoder.bytes)
    }

    @Test func `every accepted vector is read and written back to the byte`() throws {
        let accepted = try file().accepted
        #expect(accepted.count >= 50)
        for vector in accepted { #expect(try reencode(vector.hex) == vector.hex) }
    }

    @Test func `every refused vector is refused`() throws {
        let refused = try file().refused
        #expect(refused.count >= 90)
        for vector in refused {
            #expect(throws: CBORError.self, "\(vector.hex): \(vector.why)") { try reencode(vector.hex) }
        }
    }
}
