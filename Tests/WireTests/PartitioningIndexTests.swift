import Testing
import Wire

@Suite struct PartitioningIndexTests {
    @Test func `it finds where the elements behind a border begin, as a walk does`() {
        var random = Random(seed: 1)
        for count in 0...40 {
            let sorted = (0..<count).map { _ in random.below(20) }.sorted()
            for border in -1...21 {
                let walked = sorted.firstIndex { $0 >= border } ?? count
                #expect(sorted.partitioningIndex { $0 >= border } == walked)
                // Of a slice, and of a range, the indices are those of the whole.
                let half = sorted[(count / 2)...]
                #expect(half.partitioningIndex { $0 >= border } == max(walked, count / 2))
                #expect((count / 2..<count).partitioningIndex { sorted[$0] >= border } == max(walked, count / 2))
            }
        }
    }

    @Test func `it asks about so many elements as the count has binary digits`() {
        var asked = 0
        let found = (0..<1_000_000).partitioningIndex {
            asked += 1
            return $0 >= 123_456
        }
        #expect(found == 123_456 && asked <= 20)
    }
}
