extension FederationError {
    /// Stable, for metrics and scripts.
    public var code: String {
        switch self {
        case .malformed, .unknownVersion, .frame: "invalid-body"
        case .outOfRange: "out-of-range"
        case .unknownModel: "unknown-model"
        case .wrongModel: "wrong-model"
        case .notIncreasing, .alreadyAnnounced, .notLatestAnnouncement: "invalid-announcement"
        case .notAnnounced, .unknownRow: "unknown-row"
        case .wrongShape, .wrongLength: "wrong-shape"
        case .tooManyRows: "too-many-rows"
        case .shiftOutOfRange: "shift-out-of-range"
        case .zeroRow: "zero-row"
        case .rowNormOverCap, .opNormOverCap: "norm-over-cap"
        case .notFinite: "not-finite"
        case .budgetSpent: "privacy-budget-spent"
        }
    }
}
