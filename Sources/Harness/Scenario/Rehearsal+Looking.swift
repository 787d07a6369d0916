internal import API
internal import Terminal

/// Whether what is to hold holds.
extension Rehearsal {
    func look(_ expectation: Scenario.Expectation) async throws {
        let at = diary.now
        do {
            let (isWell, detail) = try await found(expectation)
            diary.note(at, "\(expectation)", detail: isWell ? detail : nil, failure: isWell ? nil : detail)
        } catch let error as CancellationError {
            throw error
        } catch {
            diary.note(at, "\(expectation)", failure: "\(error)")
        }
    }

    private func found(_ expectation: Scenario.Expectation) async throws -> (Bool, String) {
        switch expectation {
        case .agree(let patience): return try await agreement(.milliseconds(patience))
        case .ended(let name, let patience):
            let node = try cluster.node(name)
            let hasEnded = try await Patience.poll(for: .milliseconds(patience), every: .milliseconds(100)) {
                !node.isAlive && node.servers.isEmpty
            }
            if hasEnded { diary.setDown(name, true) }
            return (hasEnded, hasEnded ? node.lastWords(1).trimmed : "it still runs")
        case .spared(let name, let wanted, let patience):
            var bytes = 0
            let isEnough = try await Patience.poll(for: .milliseconds(patience), every: .seconds(1)) {
                let status: StatusReport = try await cluster.node(name).client().get("/api/status")
                bytes = status.database.droppedBytes
                return bytes >= wanted
            }
            return (isEnough, "\(bytes) bytes")
        case .ops(let count, let patience):
            var fewest = 0
            let isEnough = try await Patience.poll(for: .milliseconds(patience), every: .milliseconds(200)) {
                fewest = try await cluster.status().nodes.compactMap(\.ops).min() ?? 0
                return fewest >= count
            }
            return (isEnough, "\(fewest) at least")
        case .nothingLost: return try await losses()
        case .wholeLogs:
            for node in try running() {
                let report: VerifyReport = try await node.client().get("/api/ops/verify")
                if let fault = report.faults.first {
                    return (false, "\(node.name) has \(report.faults.count) faults; the first: \(fault)")
                }
            }
            return (true, "signatures, chains and bodies were read again")
        }
    }

    /// The nodes that nothing in the scenario keeps down.
    private func running() throws -> [ClusterNode] { try cluster.nodes.filter { !diary.isDown($0.name) } }

    private func agreement(_ patience: Duration) async throws -> (Bool, String) {
        var status: ClusterStatus?
        let agree = try await Patience.poll(for: patience, every: .milliseconds(200)) {
            let all = try await cluster.status()
            let nodes = all.nodes.filter { !diary.isDown($0.name) }
            status = ClusterStatus(directory: all.directory, network: all.network, nodes: nodes)
            return status!.isWell
        }
        guard let status else { return (false, "nobody was asked") }
        if agree {
            let digest = status.nodes.first?.stateDigest?.prefix(12) ?? "-"
            return (true, "\(status.nodes.first?.ops ?? 0) ops, state \(digest)")
        }
        let rows = status.nodes.map { node in
            "\(node.name): \(node.state), \(node.ops ?? 0) ops, frontier \(node.frontierDigest?.prefix(8) ?? "-"), "
                + "state \(node.stateDigest?.prefix(8) ?? "-")" + (node.trouble.map { " (\($0))" } ?? "")
        }
        return (false, rows.joined(separator: "; "))
    }

    private func losses() async throws -> (Bool, String) {
        let acknowledged = load.acknowledged
        let authors = Dictionary(uniqueKeysWithValues: try cluster.nodes.map { ($0.name, $0.peer) })
        var count = 0
        for node in try running() {
            let held = try await witness.all(at: node)
            count = held.count
            let missing = witness.missing(from: held)
            if let first = missing.first {
                return (false, "\(node.name) lacks \(missing.count) ops that were seen, such as \(first.prefix(12))")
            }
            for (name, told) in acknowledged.sorted(by: { $0.key < $1.key }) {
                let present = held.values.count { $0 == authors[name] }
                guard present >= told else {
                    return (false, "\(node.name) holds \(present) ops of \(name), which told that \(told) are durable")
                }
            }
        }
        return (true, "\(acknowledged.values.reduce(0, +)) acknowledged, \(witness.count) seen, \(count) held")
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
