import Identity
import Testing
import Wire

@testable import Rules

@Suite struct CentroidTests {
    /// A direction near one of the axes.
    private func near(_ axis: Int, dim: Int = 16, _ random: inout Random, noise: Int64 = 40) -> Direction {
        var vector = (0..<dim).map { _ in Int64(random.below(Int(2 * noise) + 1)) - noise }
        vector[axis] += 1_000
        return Direction(vector)!
    }

    private func axis(_ at: Int, dim: Int = 16) -> Direction {
        var vector = [Int64](repeating: 0, count: dim)
        vector[at] = 1
        return Direction(vector)!
    }

    private let model = ModelID(Bytes(repeating: 5, count: 32))!

    // MARK: Directions

    @Test(arguments: [4, 16, 64, 1_024]) func `a direction does not depend on length, and survives its bytes`(
        _ dim: Int
    ) {
        var random = Random(seed: UInt64(dim))
        for _ in 0..<50 {
            let small = (0..<dim).map { _ in Int64(random.below(2_000)) - 1_000 }
            guard let direction = Direction(small) else { continue }
            // Exactly equal for powers of two that cut nothing off; rounding may move others by one.
            #expect(Direction(small.map { $0 << 20 }) == direction)
            #expect(Direction(small.map { $0 << 40 }) == direction)
            #expect(direction.likeness(to: direction) > 0.999_999)
            #expect(Direction(small.map { -$0 })!.likeness(to: direction) < -0.99)
            #expect(Direction(coordinates: direction.coordinates) == direction)
            let (dot, square) = (
                zip(small, direction.coordinates).reduce(0.0) { $0 + Double($1.0) * Double($1.1) },
                small.reduce(0.0) { $0 + Double($1) * Double($1) }
            )
            let norm = direction.coordinates.reduce(0.0) { $0 + Double($1) * Double($1) }
            #expect(dot / (square * norm).squareRoot() > (dim > 256 ? 0.98 : 0.998), "it points the same way")
        }
    }

    @Test func `what has no direction, or is none, is refused`() {
        #expect(Direction([0, 0, 0, 0]) == nil)
        #expect(Direction([1, 2, 3]) == nil, "too few coordinates")
        #expect(Direction([.max, .min + 1, 0, 0]) != nil && Direction([.min, 0, 0, 0]) != nil)
        #expect(Direction(coordinates: [127, 0, 0, 0]) != nil)
        for bad: [Int8] in [[127, 127, 0, 0], [10, 0, 0, 0], [-128, 0, 0, 0], [127, 0, 0], [0, 0, 0, 0]] {
            #expect(Direction(coordinates: bad) == nil, "\(bad)")
        }
        #expect(Direction.mean([]) == nil)
        #expect(Direction.mean([(axis(0), 1), (Direction([-1] + [Int64](repeating: 0, count: 15))!, 1)]) == nil)
        #expect(axis(0).likeness(to: axis(0, dim: 8)) == 0, "another space")
    }

    // MARK: Mining

    private func trajectories(_ groups: [(context: Int, choice: Int, count: Int, rank: Int)], seed: UInt64)
        -> [Trajectory]
    {
        var random = Random(seed: seed)
        var all: [Trajectory] = []
        for group in groups {
            for _ in 0..<group.count {
                all.append(
                    Trajectory(
                        context: near(group.context, &random), choice: near(group.choice, &random), others: [],
                        rank: group.rank))
            }
        }
        random.shuffle(&all)
        return all
    }

    @Test(arguments: UInt64(1)...10) func `what was put in is found, whatever the seed`(_ seed: UInt64) {
        let groups = [
            (context: 0, choice: 1, count: 30, rank: 2), (context: 2, choice: 3, count: 20, rank: 1),
            (context: 4, choice: 5, count: 10, rank: 1),
        ]
        let found = CentroidMiner(trajectories(groups, seed: seed)).centroids(seed: seed)
        for group in groups {
            let mine = found.filter { $0.context.likeness(to: axis(group.context)) > 0.9 }
            #expect(mine.count == 1, "merged, however many clusters it was")
            #expect(mine.first.map { $0.choice.likeness(to: axis(group.choice)) > 0.9 } == true)
            #expect(mine.first?.size == group.count && mine.first?.deviation ?? 1 < 1e-6)
            #expect(mine.first.map { abs($0.quality - 1 / Double(group.rank)) < 1e-9 } == true)
            #expect(mine.first?.isApplied == true)
        }
        #expect(found == CentroidMiner(trajectories(groups, seed: seed)).centroids(seed: seed), "repeatable")
        #expect(found.map(\.value) == found.map(\.value).sorted(by: >))
    }

    @Test func `confidence falls with the spread of quality and rises with the number`() {
        func centroid(_ size: Int, _ deviation: Double) -> Centroid {
            Centroid(context: axis(0), choice: axis(1), size: size, quality: 0.5, deviation: deviation)
        }
        #expect(centroid(1, 0).confidence == 0.5 && centroid(3, 0).confidence == 0.75)
        #expect(centroid(4, 0).confidence == 0.8 && !centroid(4, 0).isApplied, "more than .8 is asked")
        #expect(centroid(5, 0).isApplied)
        #expect(centroid(9, 0.5).confidence == 0.45 && centroid(9, 2).confidence == 0)
        // Ranks that differ: half of the choices first, half tenth.
        let mixed = trajectories([(0, 1, 20, 1), (0, 1, 20, 10)], seed: 1)
        let found = CentroidMiner(mixed).centroids(clusters: 1, seed: 1)
        #expect(found.count == 1 && abs(found[0].deviation - 0.45) < 1e-9 && !found[0].isApplied)
        #expect(CentroidMiner([]).centroids(seed: 1).isEmpty)
    }

    @Test func `merging two centroids is as if all had been one`() throws {
        let (a, b) = (
            Centroid(context: axis(0), choice: axis(1), size: 2, quality: 1, deviation: 0),
            Centroid(context: axis(0), choice: axis(1), size: 6, quality: 0.5, deviation: 0.25)
        )
        let both = try #require(a.merged(with: b))
        #expect(both.size == 8 && both.quality == 0.625 && both.context == axis(0))
        // Σq² = 2·1 + 6·(.25 + .0625) = 3.875; σ² = 3.875/8 - .625²
        #expect(abs(both.deviation - (3.875 / 8 - 0.390_625).squareRoot()) < 1e-12)
    }

    @Test func `no more than a hundred are kept, and those of most value`() {
        var random = Random(seed: 3)
        let dim = 256
        var all: [Trajectory] = []
        for at in 0..<120 {
            for _ in 0..<(at < 20 ? 1 : 3) {
                all.append(
                    Trajectory(
                        context: near(at, dim: dim, &random, noise: 1),
                        choice: near(at + 120, dim: dim, &random, noise: 1),
                        others: [], rank: 1))
            }
        }
        let found = CentroidMiner(all).centroids(clusters: 120, seed: 1)
        #expect(found.count <= 100 && found.count > 50)
        #expect(found.allSatisfy { $0.confidence >= 0.5 })
        #expect(found.map(\.size) == found.map(\.size).sorted(by: >), "all of one quality")
    }

    @Test func `where there are too many, a few good ones are worth more than many poor ones`() {
        var random = Random(seed: 4)
        let dim = 256
        var all: [Trajectory] = []
        // The first twenty were seldom walked, and what was wanted came first; the others often, and it came last.
        for at in 0..<120 {
            for _ in 0..<(at < 20 ? 3 : 4) {
                all.append(
                    Trajectory(
                        context: near(at, dim: dim, &random, noise: 1),
                        choice: near(at + 120, dim: dim, &random, noise: 1), others: [], rank: at < 20 ? 1 : 50))
            }
        }
        let found = CentroidMiner(all).centroids(clusters: 120, seed: 1)
        #expect(found.count <= 100)
        let good = found.count { $0.quality > 0.9 }
        #expect(good >= 15, "\(good) of 20")
        #expect(found.map(\.value) == found.map(\.value).sorted(by: >))
        #expect(found.prefix(good).allSatisfy { $0.quality > 0.9 })
    }

    // MARK: As patterns

    @Test func `a site counts what it can, and says nothing where nobody was`() {
        var random = Random(seed: 9)
        let pattern = CentroidPattern(model: model, context: axis(0), choice: axis(1))
        let fillers = (0..<30).map { _ in near(2 + random.below(14), &random) }
        func trajectory(_ context: Int, _ choice: Int, _ others: [Int] = []) -> Trajectory {
            Trajectory(
                context: near(context, &random), choice: near(choice, &random),
                others: others.map { near($0, &random) },
                rank: 1)
        }
        var back = [Int64](repeating: 0, count: 16)
        back[1] = -1
        let away = Trajectory(context: near(0, &random), choice: Direction(back)!, others: [], rank: 1)
        let cases = [trajectory(0, 1), trajectory(0, 1), away, trajectory(4, 1)]
        #expect(pattern.counts(cases, fillers: fillers) == .counts(RuleCounts(body: 3, support: 2)))
        #expect(pattern.counts([trajectory(4, 1)], fillers: fillers) == .abstains, "nobody was there")
        #expect(pattern.counts([], fillers: fillers) == .abstains)
        #expect(pattern.counts(cases, fillers: Array(fillers.prefix(18))) == .abstains, "not twenty candidates")
        // Something shown that is more like it than what was taken.
        let better = Trajectory(context: axis(0), choice: near(1, &random), others: [axis(1)], rank: 2)
        #expect(pattern.counts([better], fillers: fillers) == .counts(RuleCounts(body: 1, support: 0)))
    }

    @Test func `by chance one in twenty is right`() {
        var random = Random(seed: 11)
        func any() -> Direction { Direction((0..<16).map { _ in Int64(random.below(2_001)) - 1_000 })! }
        let pattern = CentroidPattern(model: model, context: axis(0), choice: any())
        let cases = (0..<4_000).map { _ in
            Trajectory(context: axis(0), choice: any(), others: (0..<19).map { _ in any() }, rank: 1)
        }
        guard case .counts(let counts) = pattern.counts(cases, fillers: []) else {
            Issue.record("abstains")
            return
        }
        #expect(counts.body == 4_000 && abs(counts.support - 200) < 60)
    }

    @Test func `a centroid survives its encoding, and hostile ones are refused`() throws {
        var random = Random(seed: 1)
        let pattern = CentroidPattern(model: model, context: near(0, &random), choice: near(1, &random))
        let proposal = PatternProposal(.centroid(pattern), RuleCounts(body: 7, support: 5))
        let bytes = proposal.encode()
        #expect(try PatternProposal(decoding: bytes) == proposal)
        let wide = CentroidPattern(model: model, context: axis(0, dim: 1_024), choice: axis(1, dim: 1_024))
        let widest = PatternProposal(.centroid(wide), RuleCounts(body: 1 << 52, support: 1 << 52)).encode()
        #expect(widest.count <= PatternProposal.maxBytes && widest.count <= 4_096, "inline")
        #expect(try PatternProposal(decoding: widest).pattern.id == wide.id)
        for length in 0..<bytes.count {
            #expect(throws: CBORError.self) { try PatternProposal(decoding: Bytes(bytes.prefix(length))) }
        }
        #expect(throws: CBORError.self) { try PatternProposal(decoding: bytes + [0]) }
        func refused(_ context: [Int8], _ choice: [Int8]) {
            var encoder = CBOREncoder()
            encoder.array(3)
            encoder.bytes(model.bytes)
            for part in [context, choice] { encoder.bytes(part.map { UInt8(bitPattern: $0) }) }
            var decoder = CBORDecoder(encoder.bytes)
            #expect(throws: CBORError.self, "\(context) \(choice)") { try CentroidPattern(&decoder) }
        }
        let good: [Int8] = [127, 0, 0, 0]
        refused(good, [127, 0, 0, 0, 0])
        refused(good, [127, 127, 127, 127])
        refused([1, 0, 0, 0], good)
        refused([], [])
        #expect(pattern.isSame(as: pattern) && !pattern.isSame(as: wide))
        let other = CentroidPattern(
            model: ModelID(Bytes(repeating: 6, count: 32))!, context: pattern.context, choice: pattern.choice)
        #expect(!pattern.isSame(as: other) && pattern.id != other.id, "another model's rows mean something else")
    }
}
