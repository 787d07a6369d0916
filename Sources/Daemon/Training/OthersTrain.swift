internal import Federation
internal import Identity
internal import Peer
internal import Wire

extension NodeHost {
    /// How many other members have announced that they train each token: of those they may know more than this site.
    func othersTrain(_ tokens: [TokenID], of model: ModelID) async throws -> [Int] {
        try await ask { node in
            let owners = node.owners(of: model)
            let own = node.identity.peerID
            let gone = node.gone(from: model)
            return tokens.map { token in
                owners.map { $0.owners(of: token, without: gone) - ($0.isOwner(own, of: token) ? 1 : 0) } ?? 0
            }
        }
    }
}
