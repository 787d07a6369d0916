public import Identity
public import Replication
public import Session
public import Wire

/// Compares two large frontiers by ranges, so that a difference in a few logs costs a few messages whatever the number
/// of logs (Meyer, Range-Based Set Reconciliation, SRDS 2023, §3).
///
/// ```
/// a fingerprint of a range ─▶ equal to that of what is here: nothing to say
///                            ≤ 16 logs here: all of them, as a question
///                            more: 16 fingerprints of ranges of about as many logs each
/// a question               ─▶ what differs here, or is missing there
/// ```
/// The set is that of frontier entries, so a log that is further on one side differs. Nothing is remembered between
/// messages: each is answered from the frontier of that moment, so a frontier that moves meanwhile does no harm.
///
/// Deviation: Meyer's fingerprints add up in a tree. Here a fingerprint is a hash of all entries of its range, in order:
/// nobody can find two sets with one fingerprint, and 10,000 logs cost one pass over a megabyte.
public struct Reconciliation: Sendable {
    /// Ascending by (author, log).
    private let entries: [FrontierEntry]

    public init(_ frontier: Frontier) {
        entries = frontier.sorted.map {
            FrontierEntry(
                author: $0.key.author, log: $0.key.log, seq: $0.head.seq, head: $0.head.id, forkSeq: $0.head.forkSeq)
        }
    }

    public var count: Int { entries.count }

    /// What a message leads to.
    public struct Answer: Sendable, Equatable {
        /// What to send, a message each; empty when nothing differs.
        public var pages: [[FrontierRange]] = []
        /// What the sender has: its entries, and those of agreed ranges.
        public var theirs: [FrontierEntry] = []
        /// Ranges that are settled by this message: what `theirs` does not tell there is at the sender as it is here, or
        /// not at all.
        public var settled: [FrontierRange] = []

        public init(settled: [FrontierRange] = []) { self.settled = settled }

        /// Whether all logs of an author are within settled ranges.
        public func settles(_ author: PeerID) -> Bool {
            var reached = LogBound(author: author, log: LogID(rawValue: 0))
            for range in settled where range.from <= reached {
                guard let below = range.below else { return true }
                reached = max(reached, below)
            }
            return reached.author > author
        }
    }

    /// The first message: the whole frontier as a few fingerprints.
    public func opening() -> [FrontierRange] { split(entries.indices, from: .first, below: nil) }

    /// - Parameter ranges: ascending and apart, as ``ReconcileMessage`` is decoded.
    public func answer(_ ranges: [FrontierRange]) -> Answer {
        var answer = Answer()
        var pages = Pages()
        for range in ranges {
            let here = indices(of: range)
            switch range.content {
            case .fingerprint(let hash):
                if hash == fingerprint(here) {
                    answer.theirs += entries[here]
                    answer.settled.append(range)
                } else {
                    for part in split(here, from: range.from, below: range.below) { pages.append(part) }
                }
            case .entries(let theirs, let isQuestion):
                answer.theirs += theirs
                answer.settled.append(range)
                guard isQuestion else { continue }
                let known = Set(theirs)
                let news = entries[here].filter { !known.contains($0) }
                pages.append(
                    FrontierRange(
                        from: range.from, below: range.below, content: .entries(news, isQuestion: false)))
            }
        }
        if let rest = pages.rest {
            // What had no room is asked about again.
            let range = FrontierRange(from: rest, below: ranges.last!.below, content: .fingerprint(.zero))
            pages.close(
                with: FrontierRange(
                    from: rest, below: range.below, content: .fingerprint(fingerprint(indices(of: range)))))
        }
        answer.pages = pages.pages
        return answer
    }

    /// As a question where few logs are here, else as fingerprints of parts of about equal size.
    private func split(_ range: Range<Int>, from: LogBound, below: LogBound?) -> [FrontierRange] {
        guard range.count > GossipLimits.logsPerQuestion else {
            return [
                FrontierRange(from: from, below: below, content: .entries(Array(entries[range]), isQuestion: true))
            ]
        }
        let parts = GossipLimits.rangesPerSplit
        let borders = (0...parts).map { range.lowerBound + $0 * range.count / parts }
        return zip(borders, borders.dropFirst()).map { start, end in
            FrontierRange(
                from: start == range.lowerBound ? from : bound(start),
                below: end == range.upperBound ? below : bound(end), content: .fingerprint(fingerprint(start..<end)))
        }
    }

    private func bound(_ index: Int) -> LogBound { LogBound(author: entries[index].author, log: entries[index].log) }

    private func indices(of range: FrontierRange) -> Range<Int> {
        let start = firstIndex(notBefore: range.from)
        return start..<(range.below.map { firstIndex(notBefore: $0) } ?? entries.count)
    }

    private func firstIndex(notBefore place: LogBound) -> Int {
        entries.indices.partitioningIndex { bound($0) >= place }
    }

    /// `H("shoal/range/1", author || log || u64 seq || head || u64 fork-seq, 0 for none …)`
    private func fingerprint(_ range: Range<Int>) -> Hash32 {
        var hasher = Hasher32(domain: "shoal/range/1")
        for entry in entries[range] {
            hasher.update(entry.author.bytes)
            hasher.update(entry.log.bytes)
            hasher.update(entry.seq.bigEndianBytes)
            hasher.update(entry.head.bytes)
            hasher.update((entry.forkSeq ?? 0).bigEndianBytes)
        }
        return hasher.finish()
    }
}

/// Ranges in as many messages as they need, up to a bound.
private struct Pages {
    private(set) var pages: [[FrontierRange]] = []
    private var entries = 0
    /// Where what found no room begins; nothing is taken in any more.
    private(set) var rest: LogBound?

    private var isLast: Bool { pages.count == GossipLimits.pagesPerAnswer }
    /// One place of the last message is kept for the rest.
    private var room: Int { SessionLimits.rangesPerFrame - (isLast ? 1 : 0) - (pages.last?.count ?? 0) }

    mutating func append(_ range: FrontierRange) {
        guard rest == nil else { return }
        if pages.isEmpty || room == 0 {
            guard !isLast else { return rest = range.from }
            pages.append([])
            entries = 0
        }
        guard case .entries(let all, let isQuestion) = range.content, !all.isEmpty else {
            return pages[pages.count - 1].append(range)
        }
        let fitting = min(all.count, SessionLimits.frontierEntriesPerFrame - entries)
        let next = fitting < all.count ? LogBound(author: all[fitting].author, log: all[fitting].log) : nil
        if fitting > 0 {
            entries += fitting
            pages[pages.count - 1].append(
                FrontierRange(
                    from: range.from, below: next ?? range.below,
                    content: .entries(Array(all[..<fitting]), isQuestion: isQuestion)))
        }
        guard let next else { return }
        let left = FrontierRange(
            from: fitting > 0 ? next : range.from, below: range.below,
            content: .entries(Array(all[fitting...]), isQuestion: isQuestion))
        guard !isLast else { return rest = left.from }
        pages.append([])
        entries = 0
        append(left)
    }

    mutating func close(with range: FrontierRange) { pages[pages.count - 1].append(range) }
}
