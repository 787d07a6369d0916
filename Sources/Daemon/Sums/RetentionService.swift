internal import Consensus
internal import Identity
internal import Peer
internal import Replication
internal import Storage
internal import Synchronization
internal import Wire

/// Drops bodies of others' deltas for which certified sums can stand, some days after this node saw the certificate.
///
/// Before it drops anything the node adds the deltas up again itself: sums that a quorum certified and that are not those of
/// its own bodies are an alarm, and the bodies stay.
final class RetentionService: Sendable {
    private let host: NodeHost
    private let sums: SumsService
    private let database: Database
    private let network: NetworkID
    /// Nil: everything is kept.
    private let days: Int?
    private let log: EventLog
    private let looks = Mutex(RetentionLook())
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Between two looks.
    private var pause: Duration { days == 0 ? .seconds(5) : .seconds(3_600) }

    init(host: NodeHost, sums: SumsService, database: Database, network: NetworkID, days: Int?, log: EventLog) {
        self.host = host
        self.sums = sums
        self.database = database
        self.network = network
        self.days = days
        self.log = log
    }

    func start() {
        let pause = pause
        let new = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: min(pause, .seconds(60)))
                guard let self, !Task.isCancelled else { return }
                await self.look()
                try? await Task.sleep(for: pause)
            }
        }
        task.withLock { $0 = new }
    }

    func stop() { task.withLock { $0?.cancel() } }

    private func look() async {
        do {
            let (certified, droppable, pinned) = try await host.ask {
                ($0.certifiedSums, $0.droppable, $0.state.pinnedSums)
            }
            let (schema, network) = (database.schema, network)
            try await database.query { (connection) throws(StorageError) in
                try OpStore(connection, schema: schema, network: network).noteCertified(certified)
            }
            guard let days else { return }
            let (own, due) = try await database.query { (connection) throws(StorageError) in
                let store = try OpStore(connection, schema: schema, network: network)
                return (try store.summedBlocks(), try store.droppable(afterDays: days))
            }
            let actions = looks.withLock {
                $0.actions(
                    droppable: droppable, pinned: pinned,
                    own: Dictionary(own.map { ($0.block, $0) }) { first, _ in first }, due: due)
            }
            for action in actions { await carryOut(action) }
        } catch {
            log.warn("retention-failed", ["cause": "\(error)"])
        }
    }

    private func carryOut(_ action: RetentionLook.Action) async {
        switch action {
        case .addUp(let sums): await addUp(sums, isDue: false)
        case .examine(let sums): await addUp(sums, isDue: true)
        case .drop(let sums): host.drop(sums)
        case .warn(let sums):
            log.warn(
                "sums-differ",
                [
                    "log": sums.block.key.log.hex, "after": "\(sums.block.after)", "through": "\(sums.block.through)",
                ])
        }
    }

    private func addUp(_ sums: BlockSums, isDue: Bool) async {
        let found = await self.sums.sum(sums.block)
        for action in looks.withLock({ $0.found(found, for: sums, isDue: isDue) }) { await carryOut(action) }
    }
}
