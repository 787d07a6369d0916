public import Identity

/// The change of weights that one training round produced, body of an update-model-weights op.
///
/// Integers only: weight change = value · 2^shift units of 2^-32. It carries no float, so its meaning
/// cannot differ between machines. A value of this type may be anything that can be written down; only
/// a ``JudgedDelta`` can be merged.
public struct Delta: Equatable, Sendable {
    /// Largest power of two that scales a row.
    public static let maxShift: UInt8 = 40
    /// Longest compressed body (protocol §3).
    public static let maxBodyBytes = 8 << 20
    /// Longest body after decompression.
    public static let maxRawBytes = 64 << 20
    /// Bound of the counters below; they fit a JSON number.
    public static let maxCounter: UInt64 = 1 << 53

    public var model: ModelID
    /// The author's round number, for reports.
    public var round: UInt64
    /// Optimizer steps of the round, for reports.
    public var steps: UInt64
    /// Tokens that the round read, for reports.
    public var tokensSeen: UInt64
    /// Rows of the dense tensors, numbered through in the order of `ModelShape.tensors`; a vector is
    /// one row.
    public var dense: RowBlock
    /// Token rows, numbered by the announcements of the delta's log.
    public var rows: RowBlock

    public init(
        model: ModelID, round: UInt64, steps: UInt64, tokensSeen: UInt64, dense: RowBlock, rows: RowBlock
    ) {
        self.model = model
        self.round = round
        self.steps = steps
        self.tokensSeen = tokensSeen
        self.dense = dense
        self.rows = rows
    }

    /// Nothing, of this round.
    static func empty(_ round: TrainingRound) -> Delta {
        Delta(
            model: round.model, round: round.round, steps: round.steps, tokensSeen: round.tokensSeen, dense: .empty,
            rows: .empty)
    }

    /// True when the round changed nothing that can be sent.
    public var isEmpty: Bool { dense.indices.isEmpty && rows.indices.isEmpty }
}

/// Quantised rows of one kind, those that are all zero left out.
public struct RowBlock: Equatable, Sendable {
    /// The width of all values of a block.
    public enum Precision: UInt8, Sendable {
        case int8 = 1
        case int16 = 2

        /// Largest magnitude that the quantiser writes.
        var limit: Int64 { self == .int8 ? 127 : 32_767 }
        /// Digits of `limit`.
        var bits: Int { self == .int8 ? 7 : 15 }
    }

    public enum Values: Equatable, Sendable {
        case int8([Int8])
        case int16([Int16])

        public var count: Int {
            switch self {
            case .int8(let values): values.count
            case .int16(let values): values.count
            }
        }

        public var precision: Precision {
            switch self {
            case .int8: .int8
            case .int16: .int16
            }
        }
    }

    /// Row numbers, strictly increasing.
    public var indices: [UInt32]
    /// Binary exponent of each row.
    public var shifts: [UInt8]
    /// The values of the rows, one row after the other.
    public var values: Values

    public init(indices: [UInt32], shifts: [UInt8], values: Values) {
        self.indices = indices
        self.shifts = shifts
        self.values = values
    }

    public static let empty = RowBlock(indices: [], shifts: [], values: .int8([]))
}
