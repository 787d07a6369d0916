public import Identity
public import Wire

/// One site under several keys, one after the other: who succeeded whom.
///
/// A key that has passed its membership on has left; the one that it named belongs as long as its own line does: a
/// revocation of any key before it holds for it as well, or a thief would rotate away from being revoked.
extension MemberTable {
    struct Rotation: Sendable {
        let position: LogPosition
        let op: OpID
        let to: PeerID
        var isRetracted: Bool
    }

    /// Folds one valid rotate-key in: its author belongs no more, and its successor does.
    ///
    /// - Parameter isRetracted: it stands beyond a fork: its author goes on, and what its successor wrote elsewhere and
    ///   before the fork was known keeps its effect.
    public mutating func rotate(
        _ peer: PeerID, to successor: PeerID, by op: OpID, at position: LogPosition, isRetracted: Bool = false
    ) {
        rotations[peer, default: []].append(
            Rotation(position: position, op: op, to: successor, isRetracted: isRetracted))
        predecessors[successor, default: []].insert(peer)
        refresh(peer)
    }

    /// Takes back the rotate-key at a place.
    public mutating func retractRotation(of peer: PeerID, at position: LogPosition) {
        for index in (rotations[peer] ?? []).indices where rotations[peer]![index].position == position {
            rotations[peer]![index].isRetracted = true
        }
        refresh(peer)
    }

    /// Under which key a member goes on. Two can only be named in two account logs, the later of which a quorum named:
    /// of those the one with the smaller op id counts, everywhere.
    public func successor(of peer: PeerID) -> PeerID? {
        rotations[peer]?.filter { !$0.isRetracted }.min { $0.op < $1.op }?.to
    }

    /// The keys that a member had before; ascending. More than one where several sites became one.
    public func predecessors(of peer: PeerID) -> [PeerID] {
        (predecessors[peer] ?? []).filter { successor(of: $0) == peer }.sorted()
    }

    /// Whether a key was named by another, as a causal past has it.
    func isSuccessor(_ peer: PeerID, inPast includes: (LogPosition) -> Bool) -> Bool {
        (predecessors[peer] ?? []).contains { earlier in
            rotations[earlier]!.contains { $0.to == peer && includes($0.position) }
        }
    }

    /// All keys whose standing may follow from that of `peer`, itself first.
    func line(from peer: PeerID) -> [PeerID] {
        var line = [peer]
        var next = 0
        while next < line.count {
            for rotation in rotations[line[next]] ?? [] where !line.contains(rotation.to) { line.append(rotation.to) }
            next += 1
        }
        return line
    }

    /// Whether a peer was let in, by somebody or by a key before it, and no key of its line is revoked.
    ///
    /// - Parameter seen: two that name each other, each in ignorance of the other, must not be followed for ever.
    func isLetIn(_ peer: PeerID, seen: Set<PeerID> = []) -> Bool {
        let earlier = predecessors(of: peer).filter { !seen.contains($0) }
        guard !isLineRevoked(peer) else { return false }
        return isFounder(peer) || isAdded(peer) || earlier.contains { isLetIn($0, seen: seen.union([peer])) }
    }

    private func isLineRevoked(_ peer: PeerID, seen: Set<PeerID> = []) -> Bool {
        isRevoked(peer)
            || predecessors(of: peer).contains { !seen.contains($0) && isLineRevoked($0, seen: seen.union([peer])) }
    }

    /// Nil as long as nobody has another key, so that networks have the digests that they always had.
    public func rotationDigest() -> Hash32? {
        let pairs = rotations.keys.sorted().compactMap { peer in successor(of: peer).map { (peer, $0) } }
        guard !pairs.isEmpty else { return nil }
        var hasher = Hasher32(domain: "shoal/rotated/1")
        for (peer, successor) in pairs {
            hasher.update(peer.bytes)
            hasher.update(successor.bytes)
        }
        return hasher.finish()
    }
}
