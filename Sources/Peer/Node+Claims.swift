public import Consensus
public import Federation
public import Identity
public import Ledger
internal import Membership
public import Replication
public import Wire

/// What an elector needs to measure a claim. Nothing here changes state.
extension Node {
    /// A claim's deltas, and what is not part of the model that it was made on.
    public struct ClaimedRange: Sendable {
        /// The deltas of one log, by op.
        public struct Part: Sendable {
            public let log: OwnerTable.LogName
            public internal(set) var ops: [OpID]
        }
        public let span: OpSpan
        /// The merged model of now.
        public let model: MergedModel
        public internal(set) var claimed: Part
        /// Deltas applied here that the claim does not build on: of later, or of elsewhere.
        public internal(set) var beyond: [Part] = []

        /// All ops whose bodies are needed.
        public var ops: [OpID] { claimed.ops + beyond.flatMap(\.ops) }
    }

    /// Nil for an op that is no claim of training in a model that is here, and where a body is gone for which sums stand.
    ///
    /// Deltas of other models are among the ops: only their bodies tell. Those that a certificate revokes are not.
    ///
    /// - Complexity: O((claimed deltas + deltas since) · log).
    public func range(of claim: OpID) -> ClaimedRange? {
        guard let span = state.ledger.span(of: claim), let model = state.models[span.model],
            let end = replica.position(of: claim)
        else { return nil }
        let key = LogKey(author: replica.key(of: end).author, log: span.log)
        let name = OwnerTable.LogName(author: key.author, log: key.log)
        var range = ClaimedRange(span: span, model: model, claimed: .init(log: name, ops: []))
        for (line, lineKey) in state.trainedLines.sorted(by: { $0.key < $1.key }) {
            var beyond: [OpID] = []
            for change in (state.changes[line] ?? []).reversed() {
                // What the claim builds on, all before it is built on as well.
                let isBuiltOn = replica.past(of: end, includes: LogPosition(log: line, seq: change.seq))
                if isBuiltOn, lineKey != key || change.seq < span.from { break }
                // Its body is not here: nobody can tell what the model is without it.
                if case .model(.covered) = change.what, !isBuiltOn || change.seq <= span.through { return nil }
                guard case .model(.merged(counts: true)) = change.what, let id = replica.id(lineKey, change.seq) else {
                    continue
                }
                if !isBuiltOn {
                    beyond.append(id)
                } else if change.seq <= span.through {
                    range.claimed.ops.append(id)
                }
            }
            guard !beyond.isEmpty else { continue }
            range.beyond.append(.init(log: .init(author: lineKey.author, log: lineKey.log), ops: beyond))
        }
        return range
    }

    /// Places of this node's own deltas from `seq` on, in the log that it trains in; ascending.
    public func ownDeltas(from seq: UInt64) -> [UInt64] {
        guard let key = ownLogKey else { return [] }
        return state.trainedLines.filter { $0.value == key }.keys
            .flatMap { state.changes[$0] ?? [] }
            .compactMap { change in
                if case .model(.merged) = change.what, change.seq >= seq { change.seq } else { nil }
            }
            .sorted()
    }

    /// The logs that a member has trained in, ascending.
    public func trainedLogs(of peer: PeerID) -> [LogID] {
        Set(state.trainedLines.values.filter { $0.author == peer }.map(\.log)).sorted()
    }

    /// The id of a log's op `through`, and how many deltas from `from` on to there are in the sums; nil if it is not here.
    public func span(_ key: LogKey, _ from: UInt64, _ through: UInt64) -> (id: OpID, deltas: Int)? {
        guard let id = replica.id(key, through), through <= replica.frontier[key]?.seq ?? 0 else { return nil }
        let places = countedDeltas(of: key) + state.coveredDeltas(of: key)
        return (id, places.count { (from...through).contains($0) })
    }

    /// Places of a log's deltas that are in the sums and whose bodies are here, ascending; for the others stand
    /// ``countedSums(of:)``.
    public func countedDeltas(of key: LogKey) -> [UInt64] {
        state.trainedLines.filter { $0.value == key }.keys.flatMap { state.changes[$0] ?? [] }
            .compactMap { change in
                if case .model(.merged(counts: true)) = change.what { change.seq } else { nil }
            }
            .sorted()
    }

    /// Certified sums that are in the accumulators in place of deltas of a log, whose bodies are not here.
    public func countedSums(of key: LogKey) -> [BlockSums] {
        (state.pinned[key] ?? []).filter(\.counts).map(\.sums)
    }
}
