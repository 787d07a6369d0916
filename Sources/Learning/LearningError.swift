/// What the learning room refuses, with the range that would have been accepted.
public enum LearningError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An option or a size outside its range.
    case outOfRange(name: String, value: String, allowed: String)
    /// Weights or moments that do not fit the model they are given to.
    case wrongCount(name: String, found: Int, expected: Int)
    /// A token in a batch or a context that the vocabulary does not hold.
    case unknownToken(index: Int, token: Int, vocabulary: Int)
    /// The gradient is no longer a number.
    case diverged(step: Int)
    /// Weights, or what follows from them, that are not finite numbers.
    case notFinite(String)
    /// A kernel that this processor cannot run.
    case unsupportedKernel(KernelVariant)

    public var description: String {
        switch self {
        case .outOfRange(let name, let value, let allowed):
            "cannot set up the model: \(name) is \(value); choose \(allowed)"
        case .wrongCount(let name, let found, let expected):
            "cannot use these weights: \(name) has \(found) numbers where the model needs \(expected); "
                + "were they made for another shape or vocabulary?"
        case .unknownToken(let index, let token, let vocabulary):
            "cannot read the batch: number \(token) at position \(index) is outside 0..<\(vocabulary); "
                + "rebuild it with the vocabulary of this model"
        case .diverged(let step):
            "training diverged at step \(step): the gradient is not finite; the weights are as before it; "
                + "lower the learning rate or turn gradient clipping on"
        case .notFinite(let name):
            "cannot answer with this model: its \(name) are not finite numbers; train it again from an earlier state, "
                + "or import it again"
        case .unsupportedKernel(let variant):
            "cannot use kernel \(variant.rawValue): this processor lacks its instructions; "
                + "leave the choice out to get the best that runs here"
        }
    }
}
