public import Identity
public import Wire

/// Body of a member-add op: `[1, peer_id, name]`. Its author vouches for the new member, which may
/// then sync and train; the right to vote is another question.
public struct MemberAdd: Sendable, Equatable {
    public let peer: PeerID
    public let name: String

    public init(peer: PeerID, name: String) throws(MembershipError) {
        guard name.utf8.count <= Genesis.Limits.nameBytes, !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else {
            throw .invalidMemberAdd("a name has at most \(Genesis.Limits.nameBytes) bytes without control characters")
        }
        self.peer = peer
        self.name = name
    }

    public init(decoding bytes: Bytes) throws(MembershipError) {
        let peer: PeerID
        let name: String
        do {
            var decoder = CBORDecoder(bytes)
            try decoder.array(exactly: 3)
            guard try decoder.uint() == 1 else { throw CBORError.unexpected(at: 1, wanted: "version 1") }
            peer = try decoder.id()
            name = try decoder.text(max: Genesis.Limits.nameBytes)
            try decoder.end()
        } catch {
            throw .invalidMemberAdd("\(error)")
        }
        try self.init(peer: peer, name: name)
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(3)
        encoder.uint(1)
        encoder.bytes(peer.bytes)
        encoder.text(name)
        return encoder.bytes
    }
}

/// Body of a member-leave op: its author leaves.
public enum MemberLeave {
    public static let body: Bytes = {
        var encoder = CBOREncoder()
        encoder.array(1)
        encoder.uint(1)
        return encoder.bytes
    }()
}

/// Where an op stands: the `seq`-th of one log. Logs are numbered locally, never on the wire.
public struct LogPosition: Hashable, Sendable {
    public let log: Int
    public let seq: UInt64

    public init(log: Int, seq: UInt64) {
        self.log = log
        self.seq = seq
    }
}

/// Who belongs to the network: the founders, and whoever a member-add names.
///
/// A function of the set of applied ops, whatever their order. Whether an op's author belonged is
/// asked with the op's causal past, so that every node answers alike.
public struct MemberTable: Sendable {
    public struct Member: Sendable, Equatable {
        public let peer: PeerID
        public let name: String
        /// The member who vouched, or the key before this one; nil for a founder.
        public let addedBy: PeerID?
    }

    private let founders: Set<PeerID>
    /// Who belongs now. Asked at every event, so it is kept instead of being found out each time.
    private var current: Set<PeerID>
    /// Those of them who are no founders, ascending.
    private var admitted: [PeerID] = []
    /// How often somebody came or went.
    public private(set) var changes = 0
    /// Every member-add; a retracted one still counts in the past of what builds on it.
    private var adds: [PeerID: [Add]] = [:]

    /// Every member-leave; as with ``adds``, a retracted one still counts in the past of what builds on it.
    private var leaves: [PeerID: [Leave]] = [:]
    /// Who has left, ascending. Asked at every event.
    public private(set) var left: [PeerID] = []

    /// Every rotate-key by its author, and whom each successor was named by; as with ``adds``.
    var rotations: [PeerID: [Rotation]] = [:]
    var predecessors: [PeerID: Set<PeerID>] = [:]

    /// Of whom a certificate says that all they did is to be subtracted.
    private var revoked: Set<PeerID> = []

    private struct Add: Sendable {
        let position: LogPosition
        let name: String
        let author: PeerID
        var isRetracted: Bool
    }

    private struct Leave: Sendable {
        let position: LogPosition
        var isRetracted: Bool
    }

    public init(genesis: Genesis) {
        founders = Set(genesis.founders)
        current = founders
    }

    /// Something was said about a member; it may matter to the keys that it named, too.
    mutating func refresh(_ peer: PeerID) {
        Self.set(hasLeft(peer), peer, in: &left)
        for peer in rotations.isEmpty ? [peer] : line(from: peer) { refreshOne(peer) }
    }

    private mutating func refreshOne(_ peer: PeerID) {
        let belongs = isLetIn(peer) && !hasLeft(peer)
        guard belongs != current.contains(peer) else { return }
        changes += 1
        if belongs { current.insert(peer) } else { current.remove(peer) }
        if !founders.contains(peer) { Self.set(belongs, peer, in: &admitted) }
    }

    /// Makes an ascending list hold a peer, or not.
    private static func set(_ isIn: Bool, _ peer: PeerID, in list: inout [PeerID]) {
        let at = list.partitioningIndex { $0 >= peer }
        guard isIn != (at < list.count && list[at] == peer) else { return }
        if isIn { list.insert(peer, at: at) } else { list.remove(at: at) }
    }

    /// Folds one valid member-add in. Several for one peer are fine: any of them admits it.
    ///
    /// - Parameter isRetracted: it stands beyond a fork: it admits nobody, and what was written by whom it
    ///   admitted, elsewhere and before the fork was known, keeps its effect.
    public mutating func apply(
        _ add: MemberAdd, by author: PeerID, at position: LogPosition, isRetracted: Bool = false
    ) {
        adds[add.peer, default: []].append(
            Add(position: position, name: add.name, author: author, isRetracted: isRetracted))
        refresh(add.peer)
    }

    /// Takes back the member-add of `peer` at a place.
    public mutating func retract(_ peer: PeerID, at position: LogPosition) {
        for index in (adds[peer] ?? []).indices where adds[peer]![index].position == position {
            adds[peer]![index].isRetracted = true
        }
        refresh(peer)
    }

    /// Folds one valid member-leave in: its author belongs no more, and never will again under this key.
    ///
    /// - Parameter isRetracted: it stands beyond a fork: its author goes on belonging.
    public mutating func leave(_ peer: PeerID, at position: LogPosition, isRetracted: Bool = false) {
        leaves[peer, default: []].append(Leave(position: position, isRetracted: isRetracted))
        refresh(peer)
    }

    /// Takes back the member-leave at a place.
    public mutating func retractLeave(of peer: PeerID, at position: LogPosition) {
        for index in (leaves[peer] ?? []).indices where leaves[peer]![index].position == position {
            leaves[peer]![index].isRetracted = true
        }
        refresh(peer)
    }

    /// Whether a member has said that it leaves, or goes on under another key.
    public func hasLeft(_ peer: PeerID) -> Bool {
        (leaves[peer] ?? []).contains { !$0.isRetracted } || (rotations[peer] ?? []).contains { !$0.isRetracted }
    }

    /// The same in a causal past.
    public func hasLeft(_ peer: PeerID, inPast includes: (LogPosition) -> Bool) -> Bool {
        (leaves[peer] ?? []).contains { includes($0.position) }
            || (rotations[peer] ?? []).contains { includes($0.position) }
    }

    /// A quorum has revoked a member, or what said so is taken back.
    public mutating func setRevoked(_ peer: PeerID, _ isRevoked: Bool) {
        if isRevoked { revoked.insert(peer) } else { revoked.remove(peer) }
        refresh(peer)
    }

    public func isRevoked(_ peer: PeerID) -> Bool { revoked.contains(peer) }

    /// Whether `peer` belongs, as far as everything applied here says.
    public func contains(_ peer: PeerID) -> Bool { current.contains(peer) }

    func isFounder(_ peer: PeerID) -> Bool { founders.contains(peer) }

    func isAdded(_ peer: PeerID) -> Bool { (adds[peer] ?? []).contains { !$0.isRetracted } }

    /// Whether `peer` was ever let in, as a causal past has it; `includes` says what that past contains. Whether it left
    /// since is ``hasLeft(_:inPast:)``.
    public func contains(_ peer: PeerID, inPast includes: (LogPosition) -> Bool) -> Bool {
        founders.contains(peer) || (adds[peer] ?? []).contains { includes($0.position) }
            || isSuccessor(peer, inPast: includes)
    }

    public var count: Int { current.count }

    /// Ascending by peer id; of several member-adds the one with the smallest name and author is shown.
    public var members: [Member] {
        current.sorted().map { peer in
            let valid = founders.contains(peer) ? [] : (adds[peer] ?? []).filter { !$0.isRetracted }
            let shown = valid.min { ($0.name, $0.author) < ($1.name, $1.author) }
            return Member(
                peer: peer, name: shown?.name ?? name(of: peer), addedBy: shown?.author ?? predecessors(of: peer).first)
        }
    }

    /// What a member was called that has left or was revoked, too; one with another key as before.
    public func name(of peer: PeerID) -> String { name(of: peer, seen: []) }

    private func name(of peer: PeerID, seen: Set<PeerID>) -> String {
        if let name = (adds[peer] ?? []).filter({ !$0.isRetracted }).map(\.name).min() { return name }
        guard let earlier = predecessors(of: peer).first(where: { !seen.contains($0) }) else { return "" }
        return name(of: earlier, seen: seen.union([peer]))
    }

    /// Nil as long as nobody has left, so that networks have the digests that they always had.
    public func leftDigest() -> Hash32? {
        let left = left
        guard !left.isEmpty else { return nil }
        var hasher = Hasher32(domain: "shoal/left/1")
        for peer in left { hasher.update(peer.bytes) }
        return hasher.finish()
    }

    /// Feeds the state digest: founders follow from the genesis, so only added members count.
    public func digest() -> Hash32 {
        var hasher = Hasher32(domain: "shoal/members/1")
        for peer in admitted { hasher.update(peer.bytes) }
        return hasher.finish()
    }
}
