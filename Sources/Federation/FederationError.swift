public import Identity
public import Wire

/// Why the federation room refuses a body, a delta or a training round.
///
/// ``unknownModel(_:)`` means "wait": the op that creates the model may still be on its way. Every
/// other error about an op's body makes that op void, on every node alike.
public enum FederationError: Error, Equatable, Sendable {
    /// The body is not the canonical encoding of what its op kind promises.
    case malformed(body: BodyKind, CBORError)
    /// The body was written for a later version of the fold.
    case unknownVersion(body: BodyKind, version: UInt64)
    /// The compressed frame of a delta is refused.
    case frame(FrameFault)
    /// A number or a text is outside its range.
    case outOfRange(name: String, value: String, allowed: String)

    /// No create-model op with this id has been applied yet.
    case unknownModel(ModelID)
    /// A delta or an announcement was handed to another model than the one it names.
    case wrongModel(ModelID)
    /// The tokens of an announcement must increase; the one at `index` does not.
    case notIncreasing(index: Int)
    /// The same log announced this row before.
    case alreadyAnnounced(TokenID)
    /// The site has not announced this row, so no delta can name it.
    case notAnnounced(TokenID)
    /// Only the latest announcement of a log can be retracted.
    case notLatestAnnouncement

    /// A part of the delta has not the length that the model's shape demands.
    case wrongShape(part: DeltaPart, what: String, found: Int, expected: Int)
    /// A row index beyond the rows of the model (dense) or of the log's announcements (tokens).
    case unknownRow(part: DeltaPart, index: UInt32, rows: Int)
    /// More rows than one op of this model may carry.
    case tooManyRows(part: DeltaPart, found: Int, limit: Int)
    /// A shift beyond ``Delta/maxShift``.
    case shiftOutOfRange(part: DeltaPart, index: UInt32, shift: UInt8)
    /// A row of zeros, which the canonical form leaves out.
    case zeroRow(part: DeltaPart, index: UInt32)
    /// A row whose L2 norm exceeds the model's cap.
    case rowNormOverCap(part: DeltaPart, index: UInt32)
    /// The L2 norm of the whole delta exceeds the model's cap.
    case opNormOverCap

    /// Training left a value that is no number.
    case notFinite(name: String, index: Int)
    /// Another op with noise would raise the site's epsilon above what its policy allows.
    case budgetSpent(epsilon: Double, budget: Double)
    /// Stored bytes do not fit the model they are loaded into.
    case wrongLength(name: String, found: Int, expected: Int)
}

/// The op bodies of this room.
public enum BodyKind: String, Sendable {
    case modelSpec = "create-model"
    case announcement = "announce-rows"
    case delta = "update-model-weights"
    case residuals
    case accountant = "privacy account"
    case sums
}

/// The two parts of a delta.
public enum DeltaPart: String, Sendable {
    case dense
    case tokens
}

/// What is wrong with a compressed frame.
public enum FrameFault: Equatable, Sendable {
    case empty
    /// The body is longer than an op may be.
    case tooLong(bytes: Int, limit: Int)
    /// Not a zstd frame, or one whose header asks for a dictionary, a checksum or reserved bits.
    case foreignHeader
    /// The content size is missing or not in its shortest form.
    case noContentSize
    /// The content would be larger than allowed; nothing was decompressed.
    case bomb(declared: UInt64, limit: Int)
    /// Bytes or frames follow the frame.
    case trailing
    /// The blocks do not decode to the declared size.
    case corrupt
}

extension FederationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let body, let error):
            "cannot read the \(body.rawValue) body: \(error); its author runs a faulty or hostile program"
        case .unknownVersion(let body, let version):
            "cannot read the \(body.rawValue) body: version \(version) is unknown here; update this node"
        case .frame(let fault): "cannot decompress the update-model-weights body: \(fault)"
        case .outOfRange(let name, let value, let allowed):
            "cannot use \(name) \(value); choose \(allowed)"
        case .unknownModel(let id): "model \(id.short) is not known here yet; wait for its create-model op"
        case .wrongModel(let id): "the op belongs to model \(id.short), not to this one"
        case .notIncreasing(let index): "cannot announce rows: token \(index) does not follow the one before it"
        case .alreadyAnnounced(let token): "cannot announce row \(token): this log announced it before"
        case .notAnnounced(let token): "cannot send row \(token): announce it first"
        case .notLatestAnnouncement: "cannot retract the announcement: a later one of the same log stands on it"
        case .wrongShape(let part, let what, let found, let expected):
            "cannot merge the delta: \(part.rawValue) part has \(found) \(what), the model needs \(expected)"
        case .unknownRow(let part, let index, let rows):
            "cannot merge the delta: \(part.rawValue) row \(index) is outside 0..<\(rows)"
        case .tooManyRows(let part, let found, let limit):
            "cannot merge the delta: \(found) \(part.rawValue) rows, at most \(limit) are allowed"
        case .shiftOutOfRange(let part, let index, let shift):
            "cannot merge the delta: \(part.rawValue) row \(index) has shift \(shift), at most \(Delta.maxShift)"
        case .zeroRow(let part, let index):
            "cannot merge the delta: \(part.rawValue) row \(index) is all zero and should not be there"
        case .rowNormOverCap(let part, let index):
            "cannot merge the delta: the norm of \(part.rawValue) row \(index) exceeds the model's cap"
        case .opNormOverCap: "cannot merge the delta: its norm exceeds the model's cap"
        case .notFinite(let name, let index):
            "cannot send the round: \(name)[\(index)] is not a number; lower the learning rate and train again"
        case .budgetSpent(let epsilon, let budget):
            "cannot send the round: it would raise the privacy loss to epsilon \(epsilon), the site's budget is "
                + "\(budget); raise the budget, or go on without sharing"
        case .wrongLength(let name, let found, let expected):
            "cannot load \(name): \(found) where the model needs \(expected); rebuild it from the operations"
        }
    }
}

extension FrameFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "it is empty"
        case .tooLong(let bytes, let limit): "\(bytes) bytes, at most \(limit) are allowed"
        case .foreignHeader: "it does not start with the one zstd frame header that is allowed"
        case .noContentSize: "its frame does not declare its size in the shortest form"
        case .bomb(let declared, let limit): "it would expand to \(declared) bytes, at most \(limit) are allowed"
        case .trailing: "bytes follow its frame"
        case .corrupt: "its blocks do not decode to the declared size"
        }
    }
}
