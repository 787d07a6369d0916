internal import API
internal import Consensus
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Questions and certificates for people, and an operator's yes.
final class ConsensusService: Sendable {
    /// Decided questions that a list shows.
    private static let shown = 200

    let host: NodeHost

    init(host: NodeHost) { self.host = host }

    func list() async throws -> ConsensusReport {
        try await host.ask { node in
            let table = node.state.consensus
            let open = table.openQuestions.filter { table.matters[$0]?.question.kind != .checkpoint }
            let decided = table.outcomes.map(\.id).suffix(Self.shown)
            let expired = table.expiredQuestions.suffix(Self.shown)
            return ConsensusReport(
                height: Int(table.latest.height), seconds: Int(table.seconds),
                electors: table.latest.electorate.members.map(\.hex), convicted: table.convictedPeers.map(\.hex),
                questions: (open + decided + expired).compactMap { table.matters[$0] }.map { Self.report($0, table) })
        }
    }

    /// - Parameter verify: also checks the certificate, and those of all checkpoints down to the genesis.
    func show(_ prefix: String, verify: Bool) async throws -> QuestionReport {
        let digits = prefix.lowercased()
        guard (4...64).contains(digits.utf8.count), digits.allSatisfy(\.isHexDigit) else {
            throw Problem.badRequest(
                "'\(prefix)' is no question", remedy: "give 4 to 64 hexadecimal digits of `shoal consensus list`")
        }
        let table = try await host.ask { $0.state.consensus }
        let found = table.matters.keys.filter { $0.hex.hasPrefix(digits) }.sorted()
        guard let id = found.first, let matter = table.matters[id] else {
            throw Problem.notFound("no question here has an id that begins with \(prefix)")
        }
        guard found.count == 1 else {
            throw Problem.conflict("\(found.count) questions begin with \(prefix)", remedy: "give more digits")
        }
        var report = Self.report(matter, table)
        if verify { report.verified = Self.verify(matter, table) }
        return report
    }

    /// This site's yes to a member's right to vote.
    func admit(_ request: AffirmRequest) async throws -> PeerID {
        guard request.from == nil, request.through == nil, request.log == nil else {
            throw Problem.unusable("an admission is about no ops", remedy: "name the peer alone", field: "from")
        }
        let peer = try await member(request)
        let (isElector, isOwn) = try await host.ask {
            ($0.state.consensus.latest.electorate.index(of: peer) != nil, $0.identity.peerID == peer)
        }
        guard !isOwn else { throw Problem.conflict("\(peer.short)… is this site itself: others decide about it") }
        guard !isElector else { throw Problem.conflict("\(peer.short)… votes already") }
        host.affirm(.admission(peer))
        return peer
    }

    /// This site's yes to the revocation of a member.
    func revoke(_ request: AffirmRequest) async throws -> PeerID {
        let isPart = request.from != nil || request.through != nil || request.log != nil
        // What is wrong with the words comes before what is wrong with the member.
        if isPart { _ = try Self.checked(request.from, request.through) }
        // One that has left may have left what it trained behind, or the key of a thief.
        let peer = try await member(request, orFormer: true)
        let isOwn = try await host.ask { $0.identity.peerID == peer }
        guard !isOwn else {
            throw Problem.conflict("\(peer.short)… is this site itself: others decide about it")
        }
        guard isPart else {
            host.affirm(.revocation(Revocation(peer: peer)))
            return peer
        }
        let range = try await range(of: peer, from: request.from, through: request.through, log: request.log).range
        host.affirm(.revocation(Revocation(peer: peer, range: range)))
        return peer
    }

    /// Takes back what this site trained in a range of one of its own logs.
    func retract(_ request: RetractRequest) async throws -> RetractReport {
        let own = try await host.ask { $0.identity.peerID }
        let (range, deltas) = try await range(
            of: own, from: request.from, through: request.through, log: request.log)
        switch await host.submit(.retraction, Retraction(range).encode()) {
        case .done(let id): return RetractReport(op: id.hex, deltas: deltas)
        case .void(_, let reason): throw Problem.void(reason)
        case .refused(let reason): throw Problem.unavailable(reason)
        }
    }

    /// 400 for what no range has, 422 for two places that are none.
    private static func checked(_ from: Int?, _ through: Int?) throws(Problem) -> (from: Int, through: Int) {
        for (name, place) in [("from", from), ("through", through)] {
            if let place, place < 1 {
                throw .badRequest("'\(name)' is \(place)", remedy: "the places of a log begin with 1", field: name)
            }
        }
        guard let from, let through, through >= from else {
            throw .unusable(
                "a range goes from a place to a later one", remedy: "`shoal ops list` shows the places", field: "from")
        }
        return (from, through)
    }

    /// A range of a member's training, and how many deltas in it count now.
    private func range(
        of peer: PeerID, from: Int?, through: Int?, log: String?
    ) async throws -> (range: Revocation.Range, deltas: Int) {
        let (from, through) = try Self.checked(from, through)
        let named = log.map { LogID(hex: $0.lowercased()) }
        if case .some(nil) = named {
            throw Problem.badRequest("'\(log!)' is no log", remedy: "a log has 16 hexadecimal digits", field: "log")
        }
        let (logs, spans) = try await host.ask { node in
            let logs = node.trainedLogs(of: peer)
            return (logs, logs.map { node.span(LogKey(author: peer, log: $0), UInt64(from), UInt64(through)) })
        }
        let at = named.map { wanted in logs.firstIndex { $0 == wanted } } ?? (logs.count == 1 ? 0 : nil)
        guard let at else {
            throw Problem.conflict(
                logs.isEmpty
                    ? "\(peer.short)… has trained nothing"
                    : "\(peer.short)… has trained in \(logs.count) logs: \(logs.map(\.hex).joined(separator: ", "))",
                remedy: "name one of them")
        }
        guard let (id, deltas) = spans[at] else {
            throw Problem.unusable(
                "the log has no op \(through)", remedy: "`shoal ops list` shows the places", field: "through")
        }
        guard deltas > 0 else {
            throw Problem.conflict("no delta of ops \(from) to \(through) is in the sums", code: "nothing-to-retract")
        }
        return (.init(log: logs[at], from: UInt64(from), through: UInt64(through), id: id), deltas)
    }

    private func member(_ request: AffirmRequest, orFormer: Bool = false) async throws -> PeerID {
        guard let peer = PeerID(hex: request.peer) else {
            throw Problem.badRequest(
                "'\(request.peer)' is no peer id", remedy: "a peer id has 64 hexadecimal digits: `shoal peers list`",
                field: "peer")
        }
        try await checkThatItVotes()
        let isMember = try await host.ask {
            $0.state.members.contains(peer) || (orFormer && $0.state.members.hasLeft(peer))
        }
        guard isMember else {
            throw Problem.conflict("\(peer.short)… is no member", remedy: "let it in first: shoal peers add")
        }
        return peer
    }

    func checkThatItVotes() async throws {
        let (hasVotes, votes) = try await host.ask {
            (
                $0.configuration.genesis.policy.hasVotes,
                $0.state.consensus.latest.electorate.index(of: $0.identity.peerID) != nil
            )
        }
        guard hasVotes else {
            throw Problem.conflict(
                "this network was founded before there were votes", remedy: "found a new one: shoal network new",
                code: "old-network")
        }
        guard votes else {
            throw Problem.conflict(
                "this site has no vote yet", remedy: "ask a quorum of voting members to run `shoal peers admit`")
        }
    }

    // MARK: Reports

    static func report(_ matter: Matter, _ table: ConsensusTable) -> QuestionReport {
        let question = matter.question
        let outcome = table.outcome(matter.id)
        let state: String =
            switch outcome?.value.verdict {
            case .accepted: "accepted"
            case .rejected: "rejected"
            case .undecided: "undecided"
            case nil: table.isExpired(matter) ? "expired" : "open"
            }
        return QuestionReport(
            id: matter.id.hex, kind: question.kind.name, owner: question.owner?.hex, subject: question.subject?.hex,
            about: question.about?.hex, state: state,
            expires: question.expires < Question.Limits.never ? Int(question.expires) : nil, text: text(question),
            numbers: (outcome?.value.numbers ?? []).map(Int.init), measurements: matter.evidence.count,
            votes: Set(matter.votes.map(\.author)).count, quorum: matter.quorum,
            electors: matter.electorate.count(without: question.subject),
            signers: (matter.certificate?.signatures ?? []).map { matter.electorate.members[$0.elector].hex })
    }

    private static func text(_ question: Question) -> String {
        switch Proposition(question) {
        case .admission(let peer): "\(peer.short) may vote"
        case .revocation(let revocation):
            revocation.range.map { "ops \($0.from)-\($0.through) of \(revocation.peer.short) are subtracted" }
                ?? "all deltas of \(revocation.peer.short) are subtracted"
        case .accountLog(let owner, let generation, let log, _):
            "votes and debits of \(owner.short) count in log \(log.hex.prefix(8)) (\(generation))"
        case .finality(let owner, let place): "the account log of \(owner.short) is final up to op \(place.seq)"
        case .policy(let policy): words(policy)
        case .sums(let sums):
            "ops \(sums.block.after + 1)-\(sums.block.through) of log \(sums.block.key.log.hex.prefix(8)) come to \(sums.byteCount) bytes of sums"
        case nil:
            switch question.kind {
            case .pattern: "the pattern of op \(question.about?.short ?? "") holds elsewhere"
            case .claim: "what the ops claimed in \(question.about?.short ?? "") were worth"
            case .settlement: "the bounty settled in \(question.about?.short ?? "") is earned"
            case .checkpoint: "the next checkpoint"
            case .ledger: "what becomes of the escrow or auction of \(question.about?.short ?? "")"
            case .admission, .revocation, .accountLog, .finality, .policy, .sums: "nothing that can be read"
            }
        }
    }

    /// Checks a certificate with nothing but the genesis and the certificates of checkpoints.
    static func verify(_ matter: Matter, _ table: ConsensusTable) -> String {
        guard let certificate = matter.certificate else { return "there is no certificate" }
        var chain: [Certificate] = [certificate]
        var digest = certificate.question.electorate
        while digest != table.genesisDigest {
            guard let next = table.certificate(ofCheckpoint: digest) else {
                return "checkpoint \(digest.short) has no certificate here"
            }
            chain.append(next)
            digest = next.question.electorate
        }
        var checkpoint = table.first
        for certificate in chain.reversed() {
            guard certificate.question.electorate == checkpoint.digest(in: table.network) else {
                return "the chain of checkpoints is broken at \(checkpoint.height)"
            }
            do throws(ConsensusError) {
                try certificate.check(by: checkpoint.electorate, in: table.network)
            } catch {
                return "\(error)"
            }
            if let next = try? Checkpoint(decoding: certificate.value.payload) { checkpoint = next }
        }
        return "valid"
    }
}
