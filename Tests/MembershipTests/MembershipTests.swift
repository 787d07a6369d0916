import Identity
import Membership
import Testing
import Wire

@Suite struct MembershipTests {
    let a = KeyPair(seed: Bytes(repeating: 1, count: 32)).peerID
    let b = KeyPair(seed: Bytes(repeating: 2, count: 32)).peerID
    let c = KeyPair(seed: Bytes(repeating: 3, count: 32)).peerID
    let key = Bytes(repeating: 9, count: 32)

    func genesis(_ founders: [PeerID], name: String = "ward") throws -> Genesis {
        try Genesis(
            name: name, createdSeconds: 5, salt: Bytes(repeating: 4, count: 16), vocabularyKey: key, founders: founders)
    }

    @Test func `a genesis round-trips and names its network`() throws {
        let genesis = try genesis([b, a, b])
        #expect(genesis.founders == [a, b].sorted())
        let decoded = try Genesis(decoding: genesis.encode())
        #expect(decoded == genesis)
        #expect(decoded.networkID == genesis.networkID)
        #expect(try self.genesis([a]).networkID != genesis.networkID)
    }

    @Test func `a network founded before there were votes opens, under the name and the rules it had`() throws {
        var encoder = CBOREncoder()
        encoder.array(7)
        encoder.uint(1)
        encoder.text("ward")
        encoder.uint(5)
        encoder.bytes(Bytes(repeating: 4, count: 16))
        encoder.bytes(Genesis.commitment(to: key).bytes)
        encoder.array(1)
        encoder.uint(1)
        encoder.array(1)
        encoder.bytes(a.bytes)
        let old = try Genesis(decoding: encoder.bytes)
        #expect(old.encode() == encoder.bytes)
        #expect(!old.policy.hasVotes && old.policy.grantNanoKoi == NetworkPolicy.standard.grantNanoKoi)
        #expect(try genesis([a]).policy.hasVotes)
    }

    @Test func `a policy keeps its numbers and refuses others`() throws {
        var policy = NetworkPolicy.standard
        policy.patternBound = 700_000
        let genesis = try Genesis(
            name: "ward", createdSeconds: 5, salt: Bytes(repeating: 4, count: 16), vocabularyKey: key, founders: [a],
            policy: policy)
        #expect(try Genesis(decoding: genesis.encode()).policy == policy)
        policy.checkpointSeconds = 0
        let bad = try Genesis(
            name: "ward", createdSeconds: 5, salt: Bytes(repeating: 4, count: 16), vocabularyKey: key, founders: [a],
            policy: policy)
        #expect(throws: MembershipError.self) { try Genesis(decoding: bad.encode()) }
    }

    @Test func `the vocabulary key is checked without being told`() throws {
        #expect(try genesis([a]).vocabularyCommitment == Genesis.commitment(to: key))
        #expect(try genesis([a]).vocabularyCommitment != Genesis.commitment(to: key.map { $0 ^ 1 }))
    }

    @Test func `a damaged or empty genesis is refused`() throws {
        let bytes = try genesis([a, b]).encode()
        for length in 0..<bytes.count {
            #expect(throws: MembershipError.self) { try Genesis(decoding: Bytes(bytes.prefix(length))) }
        }
        #expect(throws: MembershipError.self) { try Genesis(decoding: bytes + [0]) }
        #expect(throws: MembershipError.self) { try genesis([]) }
        #expect(throws: MembershipError.self) { try genesis([a], name: "two words") }
    }

    @Test func `founders must be listed in ascending order`() throws {
        var bytes = try genesis([a, b]).encode()
        let first = bytes.count - 68
        let swapped = Bytes(bytes[(first + 34)...]) + Bytes(bytes[first..<(first + 34)])
        bytes.replaceSubrange(first..., with: swapped)
        #expect(throws: MembershipError.self) { try Genesis(decoding: bytes) }
    }

    @Test func `a member-add admits from where it stands, in that past only`() throws {
        var table = MemberTable(genesis: try genesis([a]))
        let add = try MemberAdd(decoding: MemberAdd(peer: c, name: "lab").encode())
        table.apply(add, by: a, at: LogPosition(log: 0, seq: 7))
        #expect(table.contains(c) && table.contains(a) && !table.contains(b))
        #expect(table.contains(c) { $0 == LogPosition(log: 0, seq: 7) })
        #expect(!table.contains(c) { _ in false })
        #expect(table.count == 2)
    }

    @Test func `who leaves belongs no more, is known in the past as before, and comes back only with a fork`() throws {
        var table = MemberTable(genesis: try genesis([a, b]))
        let before = table.digest()
        #expect(table.leftDigest() == nil)
        let place = LogPosition(log: 1, seq: 4)
        table.leave(b, at: place)
        #expect(!table.contains(b) && table.hasLeft(b) && table.left == [b] && table.count == 1)
        #expect(table.contains(b) { _ in true }, "its older ops are still a member's")
        #expect(table.hasLeft(b) { $0 == place } && !table.hasLeft(b) { _ in false })
        // Letting it in again does not undo its word.
        table.apply(try MemberAdd(peer: b, name: "back"), by: a, at: LogPosition(log: 0, seq: 9))
        #expect(!table.contains(b))
        #expect(table.leftDigest() != nil && table.digest() == before)
        table.retractLeave(of: b, at: place)
        #expect(table.contains(b) && table.leftDigest() == nil)
        #expect(table.hasLeft(b) { $0 == place }, "what builds on it is judged as before")
    }

    @Test func `members and their number stay what the words about them say, whatever comes and goes`() throws {
        var table = MemberTable(genesis: try genesis([a, b]))
        let places = (1...3 as ClosedRange<UInt64>).map { LogPosition(log: 0, seq: $0) }
        table.apply(try MemberAdd(peer: c, name: "x"), by: a, at: places[0])
        table.apply(try MemberAdd(peer: c, name: "w"), by: b, at: places[1])
        #expect(table.members.map(\.peer) == [a, b, c].sorted() && table.count == 3)
        #expect(table.members.first { $0.peer == c }?.name == "w")
        let withC = table.digest()
        table.retract(c, at: places[1])
        #expect(table.contains(c) && table.digest() == withC, "another word for it is left")
        let changes = table.changes
        table.retract(c, at: places[0])
        #expect(!table.contains(c) && table.count == 2 && table.digest() != withC && table.changes == changes + 1)
        table.setRevoked(a, true)
        #expect(table.members.map(\.peer) == [b])
        table.setRevoked(a, false)
        #expect(table.members.map(\.peer) == [a, b].sorted())
    }

    @Test func `the table does not depend on the order of member-adds`() throws {
        var first = MemberTable(genesis: try genesis([a]))
        var second = first
        let adds = [
            (try MemberAdd(peer: b, name: "x"), a), (try MemberAdd(peer: c, name: "y"), a),
            (try MemberAdd(peer: c, name: "z"), b),
        ]
        for (at, add) in adds.enumerated() { first.apply(add.0, by: add.1, at: LogPosition(log: at, seq: 1)) }
        for (at, add) in adds.reversed().enumerated() {
            second.apply(add.0, by: add.1, at: LogPosition(log: at, seq: 1))
        }
        #expect(first.members == second.members)
        #expect(first.digest() == second.digest())
    }
}
