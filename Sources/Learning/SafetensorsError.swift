/// Why a file is not the safetensors file that is asked for. Nothing was taken from it.
public enum SafetensorsError: Error, Hashable, Sendable {
    /// Fewer bytes than the header's length takes.
    case tooShort(bytes: Int)
    /// The header's length is not within the bounds, or beyond the end of the file.
    case headerLength(UInt64, limit: Int)
    /// The header is not the JSON that the format allows.
    case header(offset: Int, cause: String)
    /// More tensors, dimensions or letters than any model of this program has.
    case tooLarge(what: String, found: Int, limit: Int)
    /// A type of numbers other than F32.
    case type(tensor: String, found: String)
    /// The tensor's place has not the bytes that its shape needs.
    case size(tensor: String, found: Int, expected: Int)
    /// Tensors must lie side by side: this one does not begin where the one before it ends.
    case place(tensor: String, begin: Int, expected: Int)
    /// The tensors end before or behind the end of the file.
    case end(tensors: Int, data: Int)
    /// A value that is no number, or infinite.
    case notFinite(tensor: String, index: Int)

    /// The model needs a tensor that is not there.
    case missing(tensor: String)
    /// A tensor that the model does not have.
    case unknown(tensor: String)
    /// A tensor of another shape than the model's.
    case shape(tensor: String, found: [Int], expected: [Int])
    /// The metadata contradict the model.
    case foreign(field: String, found: String, expected: String)
}

extension SafetensorsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooShort(let bytes): "it ends after \(bytes) bytes, before its header"
        case .headerLength(let length, let limit):
            "its header claims \(length) bytes where at most \(limit) can be; is it a safetensors file?"
        case .header(let offset, let cause): "its header is malformed at byte \(offset): \(cause)"
        case .tooLarge(let what, let found, let limit): "it has \(found) \(what), at most \(limit) are allowed"
        case .type(let tensor, let found): "tensor \(tensor) holds \(found); convert it to F32"
        case .size(let tensor, let found, let expected):
            "tensor \(tensor) lies in \(found) bytes, its shape needs \(expected)"
        case .place(let tensor, let begin, let expected):
            "tensor \(tensor) begins at byte \(begin) of the data instead of \(expected): "
                + (begin < expected ? "it overlaps another" : "there is a gap before it")
        case .end(let tensors, let data):
            tensors > data
                ? "it is cut off: its tensors need \(tensors) bytes, \(data) are there"
                : "\(data - tensors) bytes follow its last tensor"
        case .notFinite(let tensor, let index): "\(tensor)[\(index)] is not a finite number"
        case .missing(let tensor): "tensor \(tensor) is missing: these are no weights of a model of this shape"
        case .unknown(let tensor): "tensor \(tensor) is not one of this model"
        case .shape(let tensor, let found, let expected):
            "tensor \(tensor) has the shape \(found), this model needs \(expected)"
        case .foreign(let field, let found, let expected):
            "its metadata say \(field) \(found), this model has \(expected)"
        }
    }
}
