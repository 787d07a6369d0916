internal import Wire

/// What each of several players adds to a common value, whatever the order in which they join (Shapley 1953).
///
/// ```
/// φ_i = Σ over S without i of |S|! (n-|S|-1)! / n! · (v(S + i) - v(S))
/// ```
/// The shares add up to v(all) - v(none), equal players get equal shares, and who adds nothing gets nothing. Exact over
/// all subsets for few players; else the mean over random orders (Castro et al. 2009), each order together with its
/// reverse, with the standard error of that mean.
public struct ShapleyShares: Equatable, Sendable {
    /// In the units of the value, one a player.
    public let shares: [Double]
    /// Of each share; zeros where it is exact.
    public let standardErrors: [Double]
    /// How often the value was calculated.
    public let evaluations: Int

    /// Up to so many players all subsets are tried: 256 values.
    public static let exactPlayers = 8
    public static let maxPlayers = 64

    /// - Parameters:
    ///   - players: 1 to 64; player i is bit i of a subset.
    ///   - orders: random orders for more than ``exactPlayers``, at least 4; rounded up to an even number.
    ///   - value: called once for each subset that is needed.
    public static func compute<Failure: Error>(
        players: Int, orders: Int = 64, seed: UInt64, value: (UInt64) throws(Failure) -> Double
    ) throws(Failure) -> ShapleyShares {
        precondition((1...maxPlayers).contains(players) && orders >= 4)
        var known: [UInt64: Double] = [:]
        func cached(_ subset: UInt64) throws(Failure) -> Double {
            if let value = known[subset] { return value }
            let fresh = try value(subset)
            known[subset] = fresh
            return fresh
        }
        if players <= exactPlayers {
            let shares = try exact(players, cached)
            return ShapleyShares(
                shares: shares, standardErrors: Array(repeating: 0, count: players), evaluations: known.count)
        }
        let (shares, errors) = try sampled(players, pairs: (orders + 1) / 2, seed, cached)
        return ShapleyShares(shares: shares, standardErrors: errors, evaluations: known.count)
    }

    private static func exact<Failure: Error>(
        _ players: Int, _ value: (UInt64) throws(Failure) -> Double
    ) throws(Failure) -> [Double] {
        // weight[s] = s! (n-s-1)! / n! = 1 / (n · C(n-1, s))
        var weights = [1 / Double(players)]
        for size in 1..<max(1, players) { weights.append(weights[size - 1] * Double(size) / Double(players - size)) }
        var shares = Array(repeating: 0.0, count: players)
        for subset in 0..<UInt64(1) << UInt64(players) {
            for player in 0..<players where subset & 1 << UInt64(player) == 0 {
                let added = try value(subset | 1 << UInt64(player)) - value(subset)
                shares[player] += weights[subset.nonzeroBitCount] * added
            }
        }
        return shares
    }

    private static func sampled<Failure: Error>(
        _ players: Int, pairs: Int, _ seed: UInt64, _ value: (UInt64) throws(Failure) -> Double
    ) throws(Failure) -> (shares: [Double], errors: [Double]) {
        var random = Random(seed: seed)
        var order = Array(0..<players)
        var sums = Array(repeating: 0.0, count: players)
        var squares = sums
        for _ in 0..<pairs {
            random.shuffle(&order)
            // An order and its reverse err in opposite directions: one sample.
            var pair = Array(repeating: 0.0, count: players)
            for order in [order, order.reversed()] {
                var (subset, before) = (UInt64(0), try value(0))
                for player in order {
                    subset |= 1 << UInt64(player)
                    let after = try value(subset)
                    pair[player] += (after - before) / 2
                    before = after
                }
            }
            for player in order {
                sums[player] += pair[player]
                squares[player] += pair[player] * pair[player]
            }
        }
        let count = Double(pairs)
        let means = sums.map { $0 / count }
        let errors = zip(squares, means).map { square, mean in
            (max(0, square / count - mean * mean) / (count - 1)).squareRoot()
        }
        return (means, errors)
    }
}
