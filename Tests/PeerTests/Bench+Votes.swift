import Consensus
import Identity
import Replication
import Wire

@testable import Peer

extension Bench {
    /// What a quorum says yes to, as site 0 counts electors.
    ///
    /// - Parameters:
    ///   - owner: whose question it is; site 0 if nil.
    ///   - signers: sites whose votes it is made of.
    func certificate(
        _ proposition: Proposition, owner: PeerID? = nil, by signers: [Int] = [0, 1]
    ) -> Certificate {
        let table = nodes[0]!.state.consensus
        let question = proposition.question(by: owner ?? peer(0), electorate: table.latestDigest)
        let ballot = Ballot(question: question.id(in: table.network), round: 0, phase: .commit, value: Value.yes.hash)
        let signatures = signers.map { site in
            Certificate.Signature(
                elector: table.latest.electorate.index(of: peer(site))!,
                signature: ballot.sign(in: table.network, with: keys[site]))
        }
        return Certificate(question: question, value: .yes, round: 0, signatures: signatures)
    }

    /// That these are the sums of a block.
    func certificate(_ sums: BlockSums, by signers: [Int] = [0, 1]) -> Certificate {
        certificate(.sums(sums), owner: sums.block.key.author, by: signers)
    }

    func revocation(range: Revocation.Range? = nil) -> Proposition {
        .revocation(Revocation(peer: peer(2), range: range))
    }

    /// Publishes at site 0 that a quorum revokes site 2, or a range of it; false if that has no effect.
    mutating func revoke(range: Revocation.Range? = nil) -> Bool {
        let op = ConsensusOp.certificate(certificate(revocation(range: range))).op
        guard case .done? = submit(op.kind, op.body, at: 0) else { return false }
        return true
    }
}
