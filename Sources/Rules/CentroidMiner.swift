internal import Wire

/// Finds what trajectories have in common: k-means++ (Arthur and Vassilvitskii 2007) over (context, choice).
///
/// ```
/// trajectories ─▶ k clusters ─▶ members within .8 ─▶ confidence ≥ .5 ─▶ merge at cosine > .95 ─▶ the most valuable
/// ```
/// The seed's code starts with the first point and takes the farthest one next, which picks outliers; here each start is
/// drawn with the squared distance as its weight. The same trajectories and seed give the same centroids.
public struct CentroidMiner: Sendable {
    enum Limits {
        static let iterations = 100
        /// Least movement of all means together that is worth another step.
        static let tolerance = 1e-3
        /// More than are kept: the least valuable go, not what happens to lie between two.
        static let clusters = 250
        /// So many trajectories for a cluster, on average.
        static let perCluster = 8
        /// The latest of them.
        static let trajectories = 2_000
    }

    private let points: [[Double]]
    private let trajectories: [Trajectory]

    /// - Parameter trajectories: the latest last, all of one space.
    public init(_ trajectories: [Trajectory]) {
        self.trajectories = Array(trajectories.suffix(Limits.trajectories))
        points = self.trajectories.map { ($0.context.coordinates + $0.choice.coordinates).map { Double($0) / 127 } }
    }

    /// O(iterations · trajectories · clusters · dim).
    ///
    /// - Parameter clusters: nil: one for every eight trajectories, at most 100.
    /// - Returns: the most valuable first.
    public func centroids(clusters: Int? = nil, seed: UInt64) -> [Centroid] {
        guard !points.isEmpty else { return [] }
        let usual = (points.count + Limits.perCluster - 1) / Limits.perCluster
        let count = min(max(1, clusters ?? usual), Limits.clusters, points.count)
        var random = Random(seed: seed)
        let nearest = assignment(count, &random)
        let groups = Dictionary(grouping: points.indices) { nearest[$0] }
        var found = groups.keys.sorted().compactMap { centroid(of: groups[$0]!) }
        Self.merge(&found)
        return Array(
            found.filter { $0.confidence >= Centroid.Limits.stored }
                .sorted { ($0.value, $1.size) > ($1.value, $0.size) }.prefix(Centroid.Limits.kept))
    }

    /// The cluster of each point.
    private func assignment(_ count: Int, _ random: inout Random) -> [Int] {
        var means = starts(count, &random)
        var nearest = [Int](repeating: 0, count: points.count)
        for _ in 0..<Limits.iterations {
            for at in points.indices { nearest[at] = Self.nearest(to: points[at], of: means).index }
            var sums = means.map { [Double](repeating: 0, count: $0.count) }
            var sizes = [Double](repeating: 0, count: means.count)
            for (at, cluster) in nearest.enumerated() {
                sizes[cluster] += 1
                for column in sums[cluster].indices { sums[cluster][column] += points[at][column] }
            }
            var moved = 0.0
            for cluster in means.indices where sizes[cluster] > 0 {
                let mean = sums[cluster].map { $0 / sizes[cluster] }
                moved += Self.distance(mean, means[cluster])
                means[cluster] = mean
            }
            if moved < Limits.tolerance { break }
        }
        return nearest
    }

    private func starts(_ count: Int, _ random: inout Random) -> [[Double]] {
        var means = [points[random.below(points.count)]]
        var distances = points.map { Self.distance($0, means[0]) }
        while means.count < count {
            let total = distances.reduce(0, +)
            // All that is left stands where a start is already.
            guard total > 0 else { break }
            var left = random.unit() * total
            var chosen = distances.lastIndex { $0 > 0 }!
            for (at, distance) in distances.enumerated() where distance > 0 {
                left -= distance
                if left < 0 {
                    chosen = at
                    break
                }
            }
            means.append(points[chosen])
            for at in points.indices { distances[at] = min(distances[at], Self.distance(points[at], means.last!)) }
        }
        return means
    }

    /// What a cluster says: its members are the trajectories that really are like its middle.
    private func centroid(of cluster: [Int]) -> Centroid? {
        let all = cluster.map { trajectories[$0] }
        guard let context = Direction.mean(all.map { ($0.context, 1) }),
            let choice = Direction.mean(all.map { ($0.choice, 1) })
        else { return nil }
        let members = all.filter {
            $0.context.likeness(to: context) >= Centroid.Limits.near
                && $0.choice.likeness(to: choice) >= Centroid.Limits.near
        }
        guard !members.isEmpty else { return nil }
        let n = Double(members.count)
        let mean = members.reduce(0) { $0 + $1.quality } / n
        let variance = members.reduce(0) { $0 + ($1.quality - mean) * ($1.quality - mean) } / n
        return Centroid(
            context: context, choice: choice, size: members.count, quality: mean, deviation: variance.squareRoot())
    }

    /// Until no two say the same. The likest two go first, so that the order of clusters does not matter.
    private static func merge(_ found: inout [Centroid]) {
        while true {
            var best: (a: Int, b: Int, likeness: Double)?
            for a in found.indices {
                for b in found.indices where b > a && found[a].isSame(as: found[b]) {
                    let likeness =
                        found[a].context.likeness(to: found[b].context) + found[a].choice.likeness(to: found[b].choice)
                    if best.map({ likeness > $0.likeness }) ?? true { best = (a, b, likeness) }
                }
            }
            guard let best, let merged = found[best.a].merged(with: found[best.b]) else { return }
            found[best.a] = merged
            found.remove(at: best.b)
        }
    }

    private static func nearest(to point: [Double], of means: [[Double]]) -> (index: Int, distance: Double) {
        var best = (index: 0, distance: Double.infinity)
        for (index, mean) in means.enumerated() {
            let distance = distance(point, mean)
            if distance < best.distance { best = (index, distance) }
        }
        return best
    }

    private static func distance(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for at in a.indices { sum += (a[at] - b[at]) * (a[at] - b[at]) }
        return sum
    }
}
