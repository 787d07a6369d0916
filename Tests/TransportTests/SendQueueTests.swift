import Testing
import Wire

@testable import Transport

@Suite struct SendQueueTests {
    private func records(_ queue: inout SendQueue, capacity: Int) -> [Bytes] {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
        defer { scratch.deallocate() }
        var records: [Bytes] = []
        while !queue.isEmpty { records.append(queue.takeRecord(scratch: scratch) { Bytes($0) }) }
        return records
    }

    @Test func `small chunks share a record, large ones are split`() {
        var queue = SendQueue()
        for chunk in [[1, 2], [], [3], [4, 5, 6, 7, 8, 9, 10, 11, 12], [13]] as [Bytes] { queue.append(chunk) }
        #expect(queue.count == 13)
        #expect(records(&queue, capacity: 4) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13]])
    }

    @Test func `the stream is the same however it is cut`() {
        var random = Random(seed: 7)
        for _ in 0..<50 {
            var queue = SendQueue()
            var stream = Bytes()
            var taken = Bytes()
            for _ in 0..<200 {
                let chunk = (0..<random.below(40)).map { _ in UInt8(random.below(256)) }
                queue.append(chunk)
                stream += chunk
                if random.below(3) == 0, !queue.isEmpty {
                    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 + random.below(64), alignment: 1)
                    taken += queue.takeRecord(scratch: scratch) { Bytes($0) }
                    scratch.deallocate()
                }
            }
            #expect(queue.count == stream.count - taken.count)
            let rest = records(&queue, capacity: 16)
            #expect(rest.allSatisfy { $0.count <= 16 })
            taken += rest.joined()
            #expect(taken == stream)
        }
    }
}
