internal import API
internal import Consensus
internal import Identity
internal import Membership
internal import Peer
internal import Wire

/// The numbers and rules of the network, and an operator's yes to others.
extension ConsensusService {
    func policy() async throws -> PolicyReport {
        try await host.ask { node in
            let latest = node.state.consensus.latest
            return PolicyReport(
                foldVersion: Int(latest.policy.foldVersion), knownFoldVersion: Int(node.configuration.latestFold),
                checkpointSeconds: Int(latest.policy.checkpointSeconds),
                questionSeconds: Int(latest.policy.questionSeconds), patternBound: Int(latest.policy.patternBound),
                gainScale: Int(latest.policy.gainScale), height: Int(latest.height))
        }
    }

    func change(_ request: PolicyRequest) async throws -> PolicyReport {
        try await checkThatItVotes()
        let (policy, known) = try await host.ask { node in
            (node.state.consensus.latest.policy, node.configuration.latestFold)
        }
        let next = try Self.changed(policy, request)
        guard next.foldVersion >= policy.foldVersion else {
            throw Problem.unusable(
                "fold version \(next.foldVersion) is older than the present one, \(policy.foldVersion)",
                remedy: "rules are never given up: name a later one, or none", field: "fold_version")
        }
        guard next.foldVersion <= known else {
            throw Problem.unusable(
                "this shoal follows fold versions up to \(known), not \(next.foldVersion)",
                remedy: "install a newer one at every site first", field: "fold_version")
        }
        guard next != policy else {
            throw Problem.conflict(
                "these are the present numbers", remedy: "name one that is to change", code: "no-change")
        }
        host.affirm(.policy(next))
        return try await self.policy()
    }

    private static func changed(_ policy: NetworkPolicy, _ request: PolicyRequest) throws(Problem) -> NetworkPolicy {
        typealias Limits = PolicyRequest.Limits
        func checked(_ value: Int?, _ limits: ClosedRange<Int>, _ field: String) throws(Problem) -> Int? {
            guard let value else { return nil }
            guard limits.contains(value) else {
                throw Problem.unusable(
                    "\(value) is out of range", remedy: "\(field) is from \(limits.lowerBound) to \(limits.upperBound)",
                    field: field)
            }
            return value
        }
        var next = policy
        if let version = try checked(request.foldVersion, Limits.foldVersion, "fold_version") {
            next.foldVersion = UInt64(version)
        }
        if let seconds = try checked(request.checkpointSeconds, Limits.seconds, "checkpoint_seconds") {
            next.checkpointSeconds = UInt64(seconds)
        }
        if let seconds = try checked(request.questionSeconds, Limits.seconds, "question_seconds") {
            next.questionSeconds = UInt64(seconds)
        }
        if let bound = try checked(request.patternBound, Limits.patternBound, "pattern_bound") {
            next.patternBound = Int64(bound)
        }
        if let scale = try checked(request.gainScale, Limits.gainScale, "gain_scale") { next.gainScale = Int64(scale) }
        return next
    }

    /// What a question proposes, for people.
    static func words(_ policy: NetworkPolicy) -> String {
        "the network's numbers are: fold version \(policy.foldVersion), checkpoint \(policy.checkpointSeconds) s, "
            + "question \(policy.questionSeconds) s, pattern bound \(policy.patternBound), gain scale \(policy.gainScale)"
    }
}
