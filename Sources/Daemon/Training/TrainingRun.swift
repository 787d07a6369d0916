internal import API
internal import Federation
internal import Glibc
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Storage
internal import Synchronization
internal import Wire

/// One training run of this site, for one of three kinds of weights:
///
/// ```
/// federated  announce rows ─▶ ┌ take merged weights ─▶ train n steps ─▶ scale, quantise ─▶ sign, store, publish ┐
///                             └────────────────────────────────◀──────────────────────────────────────────────┘
/// served     take merged weights ─▶ train n steps ─▶ measure ─▶ … the best of them stays at home
/// isolated   the same steps on weights that nobody else touches, for comparison
/// ```
final class TrainingRun: Sendable {
    let model: ModelID
    let plan: TrainingPlan
    let graph: SiteGraph
    let host: NodeHost
    let states: TrainerStates
    let served: ServedWeights
    let privacy: PrivacyGuard
    private let curves: TrainingCurves
    /// Training takes a core for minutes: not one of the cooperative pool.
    private let worker = StorageThread(name: "shoal-train")
    private let report: Mutex<TrainingReport>
    private let cancelled = Atomic<Bool>(false)
    private let start = ContinuousClock().now

    init(
        model: ModelID, plan: TrainingPlan, graph: SiteGraph, host: NodeHost, states: TrainerStates,
        served: ServedWeights, privacy: PrivacyGuard, curves: TrainingCurves
    ) {
        self.model = model
        self.plan = plan
        self.graph = graph
        self.host = host
        self.states = states
        self.served = served
        self.privacy = privacy
        self.curves = curves
        report = Mutex(
            TrainingReport(
                state: "waiting", weights: plan.weights, round: plan.firstRound, rounds: plan.rounds, steps: 0,
                loss: nil, validation: nil, seconds: 0, ops: 0, opBytes: 0, error: nil))
    }

    var progress: TrainingReport { report.withLock { $0 } }
    var seconds: Double { (ContinuousClock().now - start).seconds }
    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// Ends the run after the step that it is in; what is sealed stays.
    func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// Runs to the end; the outcome is in ``progress``.
    func run() async {
        report.withLock { $0.state = "running" }
        do {
            if plan.isService { try await onWorker { Self.giveWay() } }
            switch plan.weights {
            case .federated: try await federate()
            case .served: try await adapt()
            case .isolated: try await isolate()
            }
            report.withLock { $0.state = isCancelled && $0.round < plan.rounds ? "stopped" : "done" }
        } catch is CancellationError {
            report.withLock { $0.state = "stopped" }
        } catch {
            report.withLock {
                $0.state = "failed"
                $0.error = "\(error)"
            }
        }

        report.withLock { $0.seconds = seconds }
        worker.finish()
    }

    func note(_ change: (inout TrainingReport) -> Void) {
        let ended: TrainingReport? = report.withLock {
            let steps = $0.steps
            change(&$0)
            $0.seconds = seconds
            return $0.steps > steps ? $0 : nil
        }
        if let ended { curves.add(ended, of: model) }
    }

    func onWorker<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
            worker.submit { continuation.resume(returning: Result(catching: work)) }
        }
        return try result.get()
    }

    /// The calling thread runs when no other wants the core. On Linux a thread has a priority of its own.
    private static func giveWay() { setpriority(__priority_which_t(bitPattern: PRIO_PROCESS.rawValue), 0, 10) }
}

/// Why a training run ended early.
enum TrainingError: Error, Equatable, CustomStringConvertible {
    case modelGone
    case refused(String)
    case void(String)
    /// No token has as many edges as the site's privacy settings ask for.
    case nothingShared(Int)

    var description: String {
        switch self {
        case .modelGone: "train: the model was deleted while it was being trained"
        case .refused(let reason): reason
        case .nothingShared(let edges):
            "train: no entity or relation of this site's graph has \(edges) edges, the fewest with which one is "
                + "announced; import more, or lower min-edges of the site's privacy settings"
        case .void(let reason): "train: the op has no effect: \(reason)"
        }
    }
}

extension Duration {
    var seconds: Double {
        let (whole, fraction) = components
        return Double(whole) + Double(fraction) * 1e-18
    }
}
