import Learning
import Testing

@Suite struct TrainingOptionsTests {
    @Test func `the defaults are valid`() throws { try TrainingOptions().validate() }

    static let hostile: [(String, @Sendable (inout TrainingOptions) -> Void)] = [
        ("learning rate", { $0.learningRate = 0 }), ("learning rate", { $0.learningRate = .nan }),
        ("learning rate", { $0.learningRate = .infinity }), ("warm-up", { $0.warmupSteps = -1 }),
        ("beta1", { $0.beta1 = 1 }), ("beta2", { $0.beta2 = -0.1 }), ("epsilon", { $0.epsilon = 0 }),
        ("weight decay", { $0.weightDecay = -1 }), ("gradient clipping", { $0.clipNorm = .nan }),
        ("dropout", { $0.dropout = 1 }), ("label smoothing", { $0.labelSmoothing = 0.95 }),
        ("sampled candidates", { $0.sampledCandidates = 15 }), ("sampled candidates", { $0.sampledCandidates = -1 }),
        ("sampling bound", { $0.sampledAbove = -1 }),
        ("schedule", { $0.schedule = .cosine(plannedSteps: 0, floor: 0) }),
        ("schedule", { $0.schedule = .linear(decayFrom: 9, plannedSteps: 9, floor: 0) }),
        ("schedule", { $0.schedule = .linear(decayFrom: -9, plannedSteps: 9, floor: 0) }),
        ("schedule floor", { $0.schedule = .cosine(plannedSteps: 9, floor: 1.5) }),
    ]

    @Test(arguments: 0..<hostile.count) func `an option outside its range is refused by name`(index: Int) throws {
        var options = TrainingOptions()
        Self.hostile[index].1(&options)
        #expect {
            try Trainer(shape: .small, vocabulary: 3, candidates: 2, options: options, seed: 1)
        } throws: { error in
            guard case .outOfRange(Self.hostile[index].0, _, let allowed) = error as? LearningError else {
                return false
            }
            return "\(error)".contains(allowed)
        }
    }

    @Test func `schedules warm up, fall and stay at their floor`() {
        var options = TrainingOptions()
        options.learningRate = 1
        options.warmupSteps = 10
        options.schedule = .constant
        #expect([0, 4, 9, 10, 1_000].map(options.rate) == [0.1, 0.5, 1, 1, 1])
        options.schedule = .linear(decayFrom: 100, plannedSteps: 200, floor: 0.1)
        #expect([100, 200, 10_000].map(options.rate) == [1, 0.1, 0.1])
        #expect(abs(options.rate(at: 150) - 0.55) < 1e-6)
        options.schedule = .cosine(plannedSteps: 200, floor: 0)
        options.warmupSteps = 0
        for (step, expected) in [(0, 1), (50, 0.853_553_4), (100, 0.5), (150, 0.146_446_6), (200, 0), (900, 0)] {
            #expect(abs(options.rate(at: step) - Float(expected)) < 1e-5)
        }
    }
}
