import Identity
import Testing
import Wire

@Suite struct BodyHashTests {
    @Test func `chunks cover a body without gaps`() {
        for length in [1, 131_071, 131_072, 131_073, 8 * 1_024 * 1_024] {
            let ranges = (0..<BodyHash.chunkCount(length: length)).map { BodyHash.range(ofChunk: $0, length: length) }
            #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == length)
            #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
            #expect(ranges.dropLast().allSatisfy { $0.count == BodyHash.chunkBytes })
        }
    }

    @Test func `any changed bit, any other length, any other order is another body`() {
        var body = Bytes(repeating: 0, count: 2 * BodyHash.chunkBytes)
        let hash = BodyHash.hash(of: body)
        for bit in [0, 1_048_575, 1_048_576, 2_097_151] {
            body[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(BodyHash.hash(of: body) != hash)
            body[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        #expect(BodyHash.hash(of: body) == hash)
        #expect(BodyHash.hash(of: body + [0]) != hash)
        #expect(BodyHash.hash(of: Bytes(body.dropLast())) != hash)
        #expect(BodyHash.hash(of: []) != BodyHash.hash(of: [0]))
        body[0] = 1
        let hashes = BodyHash.chunkHashes(of: body)
        let length = body.count
        #expect(
            BodyHash.root(length: length, chunkHashes: hashes)
                != BodyHash.root(length: length, chunkHashes: hashes.reversed()))
    }
}
