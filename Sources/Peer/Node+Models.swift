public import Federation
public import Identity
public import Learning
internal import Membership
public import Replication
public import Wire

/// What services of the node ask about models. Nothing here changes state.
extension Node {
    /// Everything a training round starts from.
    public struct RoundBase: Sendable {
        public let spec: ModelSpec
        public let parameters: Parameters
        /// This node's log, in whose announcements rows are named.
        public let log: LogKey
        /// Rows that must be announced before a delta can name them.
        public let unannounced: [TokenID]
        /// Per token to be sent, in the order asked for; empty while something is unannounced.
        public let shares: [RowShare]
        /// Sites that announced rows for this model.
        public let sites: Int
    }

    /// Models that are not deleted, ascending by id.
    public var models: [ModelID] { state.models.ids }

    public func spec(of model: ModelID) -> ModelSpec? { state.models[model]?.spec }

    /// Who created a model.
    public func author(of model: ModelID) -> PeerID? { replica.position(of: model).map { replica.key(of: $0).author } }

    /// Rounds in which each other member trained a model, as far as they came since this node's start. One member's
    /// numbers can be compared with each other alone.
    public func rounds(of model: ModelID) -> [PeerID: UInt64] {
        let heard = state.heardRounds[model] ?? [:]
        let others = state.members.members.map(\.peer).filter { $0 != identity.peerID }
        return Dictionary(others.map { ($0, heard[$0]?.count ?? 0) }, uniquingKeysWith: { one, _ in one })
    }

    /// Who trains what of a model.
    public func owners(of model: ModelID) -> OwnerTable? { state.models[model]?.owners }

    /// Who trained a model and does not belong any more, by its own word or a quorum's: nobody need make room for it.
    public func gone(from model: ModelID) -> Set<PeerID> {
        let authors = state.models[model]?.owners.authorList ?? []
        return Set(authors.filter { $0 != identity.peerID && !state.members.contains($0) })
    }

    /// The merged weights of a model for a vocabulary; nil for an unknown or deleted model.
    public mutating func parameters(of model: ModelID, tokens: [TokenID]) -> Parameters? {
        guard state.models[model] != nil else { return nil }
        return state.mergedParameters(of: model, tokens: tokens)
    }

    /// Nil while the model is unknown or this node's log is not open yet.
    ///
    /// - Parameters:
    ///   - tokens: the rows to start from.
    ///   - shared: the rows to be sent, if not all of them.
    public mutating func roundBase(of model: ModelID, tokens: [TokenID], shared: [TokenID]? = nil) -> RoundBase? {
        // Half of the sums are no model to start from.
        guard let log = ownLogKey, let merged = state.models[model], state.isWhole else { return nil }
        let name = OwnerTable.LogName(author: log.author, log: log.log)
        let unannounced = merged.owners.unannounced(shared ?? tokens, in: name)
        let gone = gone(from: model)
        let shares =
            unannounced.isEmpty ? try! merged.owners.shares(of: shared ?? tokens, in: name, without: gone) : []
        return RoundBase(
            spec: merged.spec, parameters: state.mergedParameters(of: model, tokens: tokens), log: log,
            unannounced: unannounced, shares: shares, sites: merged.owners.authorCount - gone.count)
    }
}
