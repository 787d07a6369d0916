import Identity
import Membership
import Replication
import Testing
import Wire

@testable import Consensus

/// Questions about sums say one thing in one form.
@Suite struct BlockSumsTests {
    private let author = PeerID(Bytes(repeating: 7, count: 32))!
    private var key: LogKey { LogKey(author: author, log: LogID(rawValue: 5)) }

    private func block(_ after: UInt64, _ through: UInt64) -> LogBlock {
        LogBlock(key: key, after: after, through: through, id: OpID(Bytes(repeating: UInt8(through), count: 32))!)
    }

    private func question(_ fields: Bytes, owner: PeerID? = nil, subject: PeerID? = nil) -> Question {
        Question(
            kind: .sums, owner: owner ?? author, subject: subject ?? author, fields: fields, electorate: .zero)
    }

    @Test func `bytes are cut into parts of 8 MiB, each named by its body hash`() throws {
        let bytes = Bytes(repeating: 1, count: BlockSums.Limits.partBytes + 3)
        let sums = try #require(BlockSums(block: block(0, 9), of: bytes))
        #expect(
            sums.parts == [
                BodyHash.hash(of: Bytes(bytes[..<BlockSums.Limits.partBytes])), BodyHash.hash(of: [1, 1, 1]),
            ])
        #expect(sums.length(of: 0) == BlockSums.Limits.partBytes && sums.length(of: 1) == 3)
        #expect(BlockSums.part(1, of: bytes) == [1, 1, 1])
        #expect(BlockSums(block: block(0, 9), of: []) == nil, "there is nothing to certify")
    }

    @Test func `the longest question fits its limits and reads back`() throws {
        let parts = (0..<BlockSums.Limits.parts).map { Hash32(Bytes(repeating: UInt8($0), count: 32))! }
        let longest = LogBlock(key: key, after: (1 << 53) - 1, through: 1 << 53, id: .zero)
        let bytes = UInt64(BlockSums.Limits.parts * BlockSums.Limits.partBytes)
        let sums = BlockSums(block: longest, byteCount: bytes, parts: parts)
        let question = Proposition.sums(sums).question(by: author, electorate: .zero)
        #expect(question.fields.count <= Question.Limits.fieldBytes && question.encode().count <= Question.Limits.bytes)
        #expect(Proposition(try Question(decoding: question.encode())) == .sums(sums))
    }

    @Test func `fields that are no block, or name more or fewer parts than the bytes need, say nothing`() throws {
        func fields(
            after: UInt64 = 1, through: UInt64 = 4, bytes: UInt64 = 10, parts: Int = 1, extra: Bytes = []
        ) -> Bytes {
            var encoder = CBOREncoder()
            encoder.array(7)
            encoder.uint(1)
            encoder.bytes(key.log.bytes)
            encoder.uint(after)
            encoder.uint(through)
            encoder.bytes(OpID.zero.bytes)
            encoder.uint(bytes)
            encoder.array(parts)
            for _ in 0..<parts { encoder.bytes(Hash32.zero.bytes) }
            return encoder.bytes + extra
        }
        #expect(Proposition(question(fields())) != nil)
        #expect(Proposition(question(fields(after: 4))) == nil)
        #expect(Proposition(question(fields(through: 1 << 54))) == nil)
        #expect(Proposition(question(fields(bytes: 0))) == nil)
        #expect(Proposition(question(fields(parts: 2))) == nil)
        #expect(Proposition(question(fields(bytes: UInt64(BlockSums.Limits.partBytes) + 1))) == nil)
        #expect(Proposition(question(fields(bytes: .max))) == nil, "a part too many is never counted on")
        #expect(Proposition(question(fields(extra: [0]))) == nil)
        #expect(Proposition(question(fields(), subject: PeerID.zero)) == nil, "its author is no elector in it")
    }

    @Test func `blocks that begin at one place of a log decide the same thing`() {
        func slot(_ after: UInt64, _ through: UInt64) -> Hash32 {
            Proposition.sums(BlockSums(block: block(after, through), of: [UInt8(through)])!)
                .question(by: author, electorate: .zero).slot
        }
        #expect(slot(3, 9) == slot(3, 12) && slot(3, 9) != slot(4, 9))
        #expect(block(3, 9).overlaps(block(8, 12)) && !block(3, 9).overlaps(block(9, 12)))
        #expect(block(3, 9).contains(9) && !block(3, 9).contains(3))
    }
}
