import Identity
import Testing
import Wire

@Suite struct SecureRandomTests {
    @Test func `it is the keystream of ChaCha20`() {
        // Bernstein's ChaCha20 with key 0 and nonce 0 (draft-agl-tls-chacha20poly1305, test vector 1).
        let expected: Bytes = [
            0x76, 0xB8, 0xE0, 0xAD, 0xA0, 0xF1, 0x3D, 0x90, 0x40, 0x5D, 0x6A, 0xE5, 0x53, 0x86, 0xBD, 0x28,
        ]
        var random = SecureRandom(seed: Bytes(repeating: 0, count: 32))
        let words = [random.next(), random.next()]
        #expect(words.flatMap { $0.littleEndian.bigEndianBytes.reversed() } == expected)
    }

    @Test func `no number comes twice where one block follows another`() {
        var random = SecureRandom(seed: Bytes(repeating: 9, count: 32))
        let numbers = (0..<2_048).map { _ in random.next() }
        #expect(Set(numbers).count == numbers.count)
        var again = SecureRandom(seed: Bytes(repeating: 9, count: 32))
        #expect((0..<2_048).map { _ in again.next() } == numbers)
    }
}
