internal import Learning
public import Wire

/// How much the noised ops of one site have revealed so far, as Rényi differential privacy (Mironov 2017).
///
/// One op with noise of standard deviation σ on changes whose L2 distance for any two graphs is at most s has a
/// Rényi divergence of order α of at most α·s²/(2σ²); over ops these add up, even if each depends on what came of
/// those before. As all of them are linear in α, their sum is one number ρ, the divergence per order. For a δ
///
/// ```
/// ε = min over α of  α·ρ + ln((α-1)/α) - (ln δ + ln α)/(α-1)
/// ```
/// (Canonne, Kamath and Steinke 2020, Proposition 12). No amplification by sampling is claimed: the walks of a round
/// cover the graph, and everybody sees which ops a site sent.
///
/// It only grows. An op without noise reveals without bound; it is counted, and ε is infinite from then on.
public struct PrivacyAccountant: Hashable, Sendable {
    /// Rényi divergence per order, of all noised ops.
    public private(set) var rho = 0.0
    /// Ops sent with noise.
    public private(set) var noisedOps: UInt64 = 0
    /// Ops sent without noise.
    public private(set) var plainOps: UInt64 = 0

    /// Those among which the best is taken.
    static let orders: [Double] =
        (1...99).map { 1 + Double($0) / 10 } + (11...63).map { Double($0) } + [128, 256, 512, 1_024]

    public init() {}

    /// Counts an op that is about to be sent.
    ///
    /// Any two changes of norm ≤ clip are at most two clips apart.
    public mutating func record(_ policy: PrivacyPolicy) {
        guard let clip = policy.clip, policy.noise > 0 else {
            plainOps += 1
            return
        }
        let (sensitivity, deviation) = (2 * clip, policy.noise * clip)
        rho += sensitivity * sensitivity / (2 * deviation * deviation)
        noisedOps += 1
    }

    /// The ε of this δ (above 0, below 1); infinite once an op went out without noise.
    public func epsilon(delta: Double) -> Double {
        guard plainOps == 0 else { return .infinity }
        guard noisedOps > 0 else { return 0 }
        let logDelta = naturalLogarithm(delta)
        var least = Double.infinity
        for order in Self.orders {
            let bound =
                order * rho + naturalLogarithm((order - 1) / order) - (logDelta + naturalLogarithm(order)) / (order - 1)
            least = min(least, bound)
        }
        return max(0, least)
    }

    /// Refuses an op that would use up more than the policy's budget.
    ///
    /// - Throws: ``FederationError/budgetSpent(epsilon:budget:)``
    public func admit(_ policy: PrivacyPolicy) throws(FederationError) {
        guard let budget = policy.budget else { return }
        var after = self
        after.record(policy)
        let epsilon = after.epsilon(delta: policy.delta)
        guard epsilon <= budget else { throw .budgetSpent(epsilon: epsilon, budget: budget) }
    }
}

/// For the site's own store: `[1, rho, noised ops, plain ops]`, rho as the eight bytes of a Double, big-endian.
extension PrivacyAccountant {
    public var bytes: Bytes {
        var encoder = CBOREncoder()
        encoder.array(4)
        encoder.uint(ModelSpec.foldVersion)
        encoder.bytes(rho.bitPattern.bigEndianBytes)
        encoder.uint(noisedOps)
        encoder.uint(plainOps)
        return encoder.bytes
    }

    /// Reads what ``bytes`` wrote.
    public init(bytes: Bytes) throws(FederationError) {
        var decoder = try openBody(.accountant, bytes, items: 4)
        let (bits, noised, plain) = try reading(.accountant) { () throws(CBORError) in
            let fields = (try decoder.bytes(max: 8), try decoder.uint(), try decoder.uint())
            try decoder.end()
            return fields
        }
        guard let pattern = UInt64(bigEndianBytes: bits), case let value = Double(bitPattern: pattern), value >= 0,
            value.isFinite
        else { throw .wrongLength(name: "divergence", found: bits.count, expected: 8) }
        rho = value
        noisedOps = noised
        plainOps = plain
    }
}
