import Identity
import Membership
import Testing
import Wire

@Suite struct KeyRotationTests {
    private let keys = (1...5).map { KeyPair(seed: Bytes(repeating: UInt8($0), count: 32)) }
    private var a: PeerID { keys[0].peerID }
    private var b: PeerID { keys[1].peerID }
    private var c: PeerID { keys[2].peerID }
    private var d: PeerID { keys[3].peerID }

    private func table(_ founders: [PeerID]) throws -> MemberTable {
        MemberTable(genesis: try genesis(founders))
    }

    private func genesis(_ founders: [PeerID]) throws -> Genesis {
        try Genesis(
            name: "ward", createdSeconds: 5, salt: Bytes(repeating: 4, count: 16),
            vocabularyKey: Bytes(repeating: 9, count: 32), founders: founders)
    }

    private func op(_ number: UInt8) -> OpID { OpID(Bytes(repeating: number, count: 32))! }
    private func place(_ seq: UInt64, log: Int = 1) -> LogPosition { LogPosition(log: log, seq: seq) }

    @Test func `the body round-trips, and is proven for its author, its successor and its network alone`() throws {
        let network = try genesis([a]).networkID
        let rotation = try KeyRotation(decoding: KeyRotation(of: a, to: keys[2], in: network).encode())
        #expect(rotation.successor == c && rotation.isProven(by: a, in: network))
        #expect(!rotation.isProven(by: b, in: network))
        #expect(!rotation.isProven(by: a, in: try genesis([a, b]).networkID))
        let bytes = rotation.encode()
        for length in 0..<bytes.count {
            #expect(throws: MembershipError.self) { try KeyRotation(decoding: Bytes(bytes.prefix(length))) }
        }
        #expect(throws: MembershipError.self) { try KeyRotation(decoding: bytes + [0]) }
        // Neither another successor nor another proof passes for what was signed.
        for at in [5, 40, 90] {
            var changed = bytes
            changed[at] ^= 1
            #expect(try !KeyRotation(decoding: changed).isProven(by: a, in: network))
        }
    }

    @Test func `the next key belongs where the old one did, under its name, and only a fork undoes it`() throws {
        var table = try table([a])
        table.apply(try MemberAdd(peer: b, name: "river"), by: a, at: place(2, log: 0))
        #expect(table.rotationDigest() == nil)
        table.rotate(b, to: c, by: op(1), at: place(5))
        #expect(!table.contains(b) && table.hasLeft(b) && table.left == [b])
        #expect(table.contains(c) && table.successor(of: b) == c && table.predecessors(of: c) == [b])
        #expect(table.members.first { $0.peer == c }?.name == "river" && table.count == 2)
        #expect(table.contains(c) { $0 == place(5) }, "what builds on it is a member's")
        #expect(!table.contains(c) { _ in false })
        #expect(table.rotationDigest() != nil)
        table.retractRotation(of: b, at: place(5))
        #expect(table.contains(b) && !table.contains(c) && table.successor(of: b) == nil)
        #expect(table.rotationDigest() == nil && table.leftDigest() == nil)
        #expect(table.contains(c) { $0 == place(5) }, "what was built on it is judged as before")
    }

    @Test func `a revocation of any key of a line holds for those after it, and of none for those before`() throws {
        var table = try table([a, b])
        table.rotate(b, to: c, by: op(1), at: place(5))
        table.rotate(c, to: d, by: op(2), at: place(7, log: 2))
        #expect(table.contains(d))
        table.setRevoked(b, true)
        #expect(!table.contains(d) && !table.contains(c), "who rotates away from a revocation is caught by it")
        // Not even by somebody's word.
        table.apply(try MemberAdd(peer: d, name: "d"), by: a, at: place(9, log: 0))
        #expect(!table.contains(d))
        table.setRevoked(b, false)
        #expect(table.contains(d) && !table.contains(c))
        table.setRevoked(d, true)
        #expect(table.members.map(\.peer) == [a])
    }

    @Test func `whom somebody else let in stays when the old key's log forks`() throws {
        var table = try table([a, b])
        table.apply(try MemberAdd(peer: c, name: "next"), by: a, at: place(9, log: 0))
        table.rotate(b, to: c, by: op(1), at: place(5))
        table.retractRotation(of: b, at: place(5))
        #expect(table.contains(c))
    }

    @Test func `of two that one key named the smaller op counts, in any order`() throws {
        var digests: Set<Hash32> = []
        for order in [[0, 1], [1, 0]] {
            var table = try table([a, b])
            for at in order { table.rotate(b, to: [c, d][at], by: op(UInt8(2 - at)), at: place(5, log: at + 1)) }
            #expect(table.successor(of: b) == d && table.contains(d) && !table.contains(c))
            digests.insert(table.rotationDigest()!)
            table.retractRotation(of: b, at: place(5, log: 2))
            #expect(table.contains(c) && !table.contains(d))
        }
        #expect(digests.count == 1)
    }

    @Test func `two that name each other in ignorance have both left, and nothing runs in circles`() throws {
        var table = try table([a, b])
        table.rotate(a, to: b, by: op(1), at: place(5, log: 0))
        table.rotate(b, to: a, by: op(2), at: place(5))
        #expect(table.members.isEmpty && table.left == [a, b].sorted())
        table.setRevoked(a, true)
        #expect(!table.contains(b) && table.name(of: a) == "")
    }
}
