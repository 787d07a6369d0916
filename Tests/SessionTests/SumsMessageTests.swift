import Testing
import Wire

@testable import Session

/// What a site that begins asks, and what it is told.
@Suite struct SumsMessageTests {
    private func message(_ kind: MessageKind, _ encode: (inout CBOREncoder) -> Void) -> Message? {
        var encoder = CBOREncoder()
        encode(&encoder)
        return try? Message(Frame(kind: kind, body: encoder.bytes))
    }

    @Test func `questions ascend as they are asked: checkpoints by height, then sums by log and place`() {
        let early = LogBound(author: .zero, log: LogID(rawValue: 1))
        let late = LogBound(author: .zero, log: LogID(rawValue: 2))
        let wants: [SumsWant] = [
            .checkpoints(after: 0), .checkpoints(after: 7), .sums(from: .first, after: 0), .sums(from: early, after: 3),
            .sums(from: early, after: 4), .sums(from: late, after: 0),
        ]
        #expect(wants.sorted() == wants && wants.shuffled().sorted() == wants)
    }

    @Test func `a question of another kind or length, and places beyond the end of a log, are refused`() {
        #expect(
            message(.sumsWant) {
                $0.array(2); $0.uint(0); $0.uint(5)
            } == .sumsWant(.checkpoints(after: 5)))
        #expect(
            message(.sumsWant) {
                $0.array(2); $0.uint(1); $0.uint(5)
            } == nil)
        #expect(
            message(.sumsWant) {
                $0.array(3); $0.uint(0); $0.uint(5); $0.uint(5)
            } == nil)
        #expect(
            message(.sumsWant) {
                $0.array(2); $0.uint(0); $0.uint(1 << 54)
            } == nil)
        #expect(
            message(.sumsWant) {
                $0.array(3); $0.uint(1); $0.bytes(Bytes(repeating: 0, count: 39)); $0.uint(0)
            } == nil)
    }

    @Test func `more certificates than a frame may have, and longer ones, are refused`() {
        let most = SessionLimits.certificatesPerFrame
        func answer(_ count: Int, _ length: Int) -> Message? {
            message(.sums) {
                $0.array(2)
                $0.array(count)
                for _ in 0..<count { $0.bytes(Bytes(repeating: 1, count: length)) }
                $0.bool(false)
            }
        }
        #expect(answer(most, 1) != nil && answer(most + 1, 1) == nil)
        #expect(
            answer(1, SessionLimits.certificateBytes) != nil && answer(1, SessionLimits.certificateBytes + 1) == nil)
    }
}
