public import Identity
public import Wire

/// The members who decide, as a checkpoint names them.
///
/// A quorum is floor(2n/3)+1 of those who are asked: any two share an elector that is honest while fewer than a third
/// lie. The subject of a question is not asked, so in a network of three the other two decide, both of them; in one of
/// two the other one does. Alone, nobody can be asked about oneself, and what needs no subject one decides by oneself.
public struct Electorate: Sendable, Equatable {
    public enum Limits {
        public static let members = 1_024
    }

    /// Ascending.
    public let members: [PeerID]

    public init(_ members: some Sequence<PeerID>) { self.members = Set(members).sorted() }

    /// How many are asked about `subject`.
    public func count(without subject: PeerID?) -> Int {
        members.count - (subject.map { index(of: $0) != nil } == true ? 1 : 0)
    }

    /// How many identical votes decide; more than there are electors where nobody can be asked.
    public func quorum(without subject: PeerID?) -> Int { Self.quorum(of: count(without: subject)) }

    public static func quorum(of count: Int) -> Int { 2 * count / 3 + 1 }

    /// The place of a member; binary search.
    public func index(of peer: PeerID) -> Int? {
        let at = members.partitioningIndex { $0 >= peer }
        return at < members.count && members[at] == peer ? at : nil
    }

    public func isElector(_ peer: PeerID, without subject: PeerID?) -> Bool {
        peer != subject && index(of: peer) != nil
    }
}
