internal import Consensus
internal import Glibc
internal import Synchronization
internal import Wire

/// Answers the questions that electors are asked, by kind: rooms that know how to measure register here.
///
/// A kind that nobody has registered for is answered with an abstention, which helps to fill the quorum and says
/// nothing.
final class Measurers: Sendable {
    /// The numbers of ``Consensus/Measurement``; nil: this site's data says nothing about it.
    typealias Measurer = @Sendable (Question) async -> [Int64]?

    private let byKind = Mutex<[QuestionKind: Measurer]>([:])

    init() {
        register(.checkpoint) { _ in [Int64(time(nil))] }
    }

    func register(_ kind: QuestionKind, _ measurer: @escaping Measurer) {
        byKind.withLock { $0[kind] = measurer }
    }

    func measure(_ question: Question, done: @escaping @Sendable ([Int64]?) -> Void) {
        guard let measurer = byKind.withLock({ $0[question.kind] }) else { return done(nil) }
        Task { done(await measurer(question)) }
    }
}
