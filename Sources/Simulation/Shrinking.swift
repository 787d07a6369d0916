/// The least that still breaks: what a person looks at first.
///
/// Leaves out one thing after another, then sites, ops and time, and keeps what still violates the same invariant; again,
/// until nothing more can go (delta debugging, Zeller and Hildebrandt 2002, by single elements).
public struct Shrinking: Sendable {
    /// The smallest failure so far.
    public private(set) var failure: SimulationFailure
    public private(set) var runs = 0
    /// How many runs it may take.
    public let budget: Int

    public init(_ failure: SimulationFailure, budget: Int = 150) {
        self.failure = failure
        self.budget = budget
    }

    /// Goes on until nothing can be left out or the budget is spent.
    ///
    /// - Parameter progress: is told after each run.
    public mutating func run(progress: (Shrinking) -> Void = { _ in }) { run(Tampering(), progress: progress) }

    package mutating func run(_ tampering: Tampering, progress: (Shrinking) -> Void = { _ in }) {
        var before: SimulationOptions
        repeat {
            before = failure.options
            for smaller in Self.smaller where runs < budget {
                // As far as it goes in this direction.
                while runs < budget, let options = smaller(failure.options), attempt(options, tampering) {
                    progress(self)
                }
                progress(self)
            }
        } while failure.options != before && runs < budget
    }

    /// - Returns: whether the run violates the same invariant.
    private mutating func attempt(_ options: SimulationOptions, _ tampering: Tampering) -> Bool {
        runs += 1
        do {
            _ = try Simulator.run(options, tampering: tampering)
            return false
        } catch {
            guard error.invariant == failure.invariant else { return false }
            failure = error
            return true
        }
    }

    /// Ways to ask for less; nil where there is no less.
    private static let smaller: [@Sendable (SimulationOptions) -> SimulationOptions?] =
        Trouble.allCases.map { trouble in less { $0.without.insert(trouble) } } + [
            less { $0.nodes = max(2, $1.nodes / 2) },
            less { $0.nodes = max(2, $1.nodes - 1) },
            less { $0.submissions = $1.submissions / 2 },
            less { ($0.minutes, $0.seconds) = (nil, max(1, min(60, $1.faultSeconds / 2))) },
            less { $0.submissions = max(0, $1.submissions - 1) },
        ]

    private static func less(
        _ change: @escaping @Sendable (inout SimulationOptions.Overrides, SimulationOptions) -> Void
    ) -> @Sendable (SimulationOptions) -> SimulationOptions? {
        { options in
            var overrides = options.overrides
            change(&overrides, options)
            let smaller = SimulationOptions(seed: options.seed, overrides: overrides)
            return smaller.isSame(as: options) ? nil : smaller
        }
    }

    private static func less(
        _ change: @escaping @Sendable (inout SimulationOptions.Overrides) -> Void
    ) -> @Sendable (SimulationOptions) -> SimulationOptions? {
        less { overrides, _ in change(&overrides) }
    }
}

extension SimulationOptions {
    /// Whether the runs are the same, whatever the flags that lead to them.
    func isSame(as other: SimulationOptions) -> Bool { "\(self)" == "\(other)" }
}
