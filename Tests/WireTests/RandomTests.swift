import Testing
import Wire

@Suite struct RandomTests {
    @Test func `the same seed gives the same numbers on every machine`() {
        var random = Random(seed: 1)
        #expect(
            (0..<4).map { _ in random.next() } == [
                0xB3F2_AF6D_0FC7_10C5, 0x853B_5596_4736_4CEA, 0x92F8_9756_082A_4514, 0x642E_1C7B_C266_A3A7,
            ])
    }

    @Test func `below is uniform and in range`() {
        var random = Random(seed: 7)
        var counts = [Int](repeating: 0, count: 6)
        for _ in 0..<60_000 { counts[random.below(6)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
    }

    @Test func `a shuffle keeps every element`() {
        var random = Random(seed: 9)
        var array = Array(0..<100)
        random.shuffle(&array)
        #expect(array != Array(0..<100))
        #expect(array.sorted() == Array(0..<100))
    }

    @Test func `hex and ids round-trip and compare like their bytes`() {
        let id = ID32<RandomTests>(Bytes(0..<32))!
        #expect(ID32<RandomTests>(hex: id.hex) == id)
        #expect(ID32<RandomTests>(hex: "00") == nil)
        #expect(.zero < id)
        #expect(TokenID(hex: TokenID(rawValue: 5).hex) == TokenID(rawValue: 5))
    }
}
