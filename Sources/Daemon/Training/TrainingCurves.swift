internal import API
internal import Federation
internal import Glibc
internal import Identity
internal import Synchronization
internal import Wire

/// How the loss of this site went, round by round, for people who look: in memory, since the node started.
final class TrainingCurves: Sendable {
    /// Points of one curve; beyond it every other one is dropped.
    static let maxPoints = 512

    private struct Key: Hashable {
        let model: ModelID
        let weights: Weights
    }
    private let curves = Mutex<[Key: [CurveReport.Point]]>([:])

    func add(_ report: TrainingReport, of model: ModelID) {
        guard let loss = report.loss else { return }
        let point = CurveReport.Point(
            at: Double(time(nil)), round: report.round, loss: loss, validation: report.validation)
        curves.withLock { curves in
            var points = curves[Key(model: model, weights: report.weights)] ?? []
            points.append(point)
            if points.count > Self.maxPoints {
                points = points.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            }
            curves[Key(model: model, weights: report.weights)] = points
        }
    }

    func reports(of model: ModelID) -> [CurveReport] {
        curves.withLock { curves in
            Weights.allCases.compactMap { weights in
                curves[Key(model: model, weights: weights)].map { CurveReport(weights: weights, points: $0) }
            }
        }
    }
}
