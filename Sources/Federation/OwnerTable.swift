public import Identity
public import Wire

/// Who trains which rows of one model, folded from announce-rows ops.
///
/// It answers three questions: which token does row i of a log mean, by how many must the author of a
/// delta divide a row (distinct *authors*, not logs: a restored site opens a new log and announces
/// again), and what must a site announce before it trains. A function of the set of applied
/// announcements, never of their order across logs.
public struct OwnerTable: Sendable {
    /// One log of one author.
    public struct LogName: Hashable, Comparable, Sendable {
        public let author: PeerID
        public let log: LogID

        public init(author: PeerID, log: LogID) {
            self.author = author
            self.log = log
        }

        public static func < (a: Self, b: Self) -> Bool { (a.author, a.log) < (b.author, b.log) }
    }

    /// Most rows that one log may announce for one model (16 MiB of tokens).
    public static let maxRowsPerLog = 1 << 20

    private struct Rows: Sendable {
        var tokens: [TokenID] = []
        var indices: [TokenID: UInt32] = [:]
        /// Of the tokens in order; nil after a change.
        var digest: Hash32?
    }

    private var logs: [LogName: Rows] = [:]
    /// For each author, how many of its logs announce a token.
    private var authors: [PeerID: [TokenID: Int]] = [:]
    private var owners: [TokenID: Int] = [:]
    /// The digest of all; nil after a change.
    private var root: Hash32?

    public init() {}

    /// The rows that a log has announced, in order; a delta's row index counts in here.
    public func rows(of log: LogName) -> [TokenID] { logs[log]?.tokens ?? [] }

    /// Logs that announced rows, ascending.
    public var logNames: [LogName] { logs.keys.sorted() }

    /// How many distinct authors train a row.
    public func owners(of token: TokenID) -> Int { owners[token] ?? 0 }

    /// How many of them are left without those who train no more.
    public func owners(of token: TokenID, without gone: Set<PeerID>) -> Int {
        owners(of: token) - gone.count { isOwner($0, of: token) }
    }

    /// How many distinct authors have announced anything.
    public var authorCount: Int { authors.count }

    /// The authors that have announced anything, ascending.
    public var authorList: [PeerID] { authors.keys.sorted() }

    /// How many distinct rows an author has announced, in all its logs.
    public func rowCount(of author: PeerID) -> Int { authors[author]?.count ?? 0 }

    /// Whether an author has announced a row.
    public func isOwner(_ author: PeerID, of token: TokenID) -> Bool { authors[author]?[token] != nil }

    /// The row number and the owners of each token, for ``RoundBuilder``.
    ///
    /// - Parameter gone: authors that train no more: what is left is divided among the others.
    /// - Throws: ``FederationError/notAnnounced(_:)`` for the first token that the log did not announce.
    public func shares(
        of tokens: [TokenID], in log: LogName, without gone: Set<PeerID> = []
    ) throws(FederationError) -> [RowShare] {
        let indices = logs[log]?.indices ?? [:]
        var shares: [RowShare] = []
        shares.reserveCapacity(tokens.count)
        for token in tokens {
            guard let index = indices[token] else { throw .notAnnounced(token) }
            shares.append(RowShare(index: index, owners: owners(of: token, without: gone)))
        }
        return shares
    }

    /// The tokens that a log has yet to announce, in ascending order, without duplicates.
    public func unannounced(_ tokens: some Sequence<TokenID>, in log: LogName) -> [TokenID] {
        let known = logs[log]?.indices ?? [:]
        return Set(tokens.filter { known[$0] == nil }).sorted()
    }

    /// Decides whether a log may announce `tokens`, by the log alone.
    public func judge(_ tokens: [TokenID], in log: LogName) throws(FederationError) {
        guard let rows = logs[log] else { return }
        guard rows.tokens.count + tokens.count <= OwnerTable.maxRowsPerLog else {
            throw .tooManyRows(
                part: .tokens, found: rows.tokens.count + tokens.count, limit: OwnerTable.maxRowsPerLog)
        }
        for token in tokens where rows.indices[token] != nil { throw .alreadyAnnounced(token) }
    }

    /// Appends rows to a log.
    ///
    /// - Throws: what ``judge(_:in:)`` throws; nothing has changed then.
    public mutating func announce(_ tokens: [TokenID], in log: LogName) throws(FederationError) {
        try judge(tokens, in: log)
        // Taken out and put back, so that nothing is copied.
        var rows = logs.removeValue(forKey: log) ?? Rows()
        var counts = authors.removeValue(forKey: log.author) ?? [:]
        for token in tokens {
            rows.indices[token] = UInt32(rows.tokens.count)
            rows.tokens.append(token)
            let count = counts[token, default: 0] + 1
            counts[token] = count
            if count == 1 { owners[token, default: 0] += 1 }
        }
        rows.digest = nil
        root = nil
        logs[log] = rows
        authors[log.author] = counts
    }

    /// Takes the latest announcement of a log back.
    ///
    /// - Throws: ``FederationError/notLatestAnnouncement`` unless the log's rows end with `tokens`.
    public mutating func withdraw(_ tokens: [TokenID], in log: LogName) throws(FederationError) {
        guard let latest = logs[log]?.tokens.suffix(tokens.count), latest.elementsEqual(tokens),
            var rows = logs.removeValue(forKey: log), var counts = authors.removeValue(forKey: log.author)
        else { throw .notLatestAnnouncement }
        rows.tokens.removeLast(tokens.count)
        rows.digest = nil
        root = nil
        for token in tokens {
            rows.indices[token] = nil
            counts[token] = counts[token].flatMap { $0 > 1 ? $0 - 1 : nil }
            if counts[token] == nil { owners[token] = owners[token].flatMap { $0 > 1 ? $0 - 1 : nil } }
        }
        if !rows.tokens.isEmpty { logs[log] = rows }
        if !counts.isEmpty { authors[log.author] = counts }
    }

    /// BLAKE2b-256 over the logs in order of (author, log), each with the digest of its rows.
    ///
    /// - Complexity: O(rows of the logs that changed + logs) after a change.
    public mutating func digest() -> Hash32 {
        if let root { return root }
        var hasher = Hasher32(domain: "shoal/owners/1")
        for log in logs.keys.sorted() {
            let digest: Hash32 =
                logs[log]?.digest
                ?? blake2b256(domain: "shoal/announced/1", RowAnnouncement.pack(rows(of: log)))
            logs[log]?.digest = digest
            hasher.update(log.author.bytes)
            hasher.update(log.log.bytes)
            hasher.update(digest.bytes)
        }
        let digest: Hash32 = hasher.finish()
        root = digest
        return digest
    }
}

extension OwnerTable: Equatable {
    public static func == (a: Self, b: Self) -> Bool { a.logs.mapValues(\.tokens) == b.logs.mapValues(\.tokens) }
}

/// How the author of a delta sends one row: under which number, divided by how many.
public struct RowShare: Hashable, Sendable {
    /// The row's index in the log's announcements.
    public let index: UInt32
    /// Distinct authors that announced the row, the own one included.
    public let owners: Int

    public init(index: UInt32, owners: Int) {
        self.index = index
        self.owners = owners
    }
}
