public import Wire

/// What a safetensors file says before its numbers (the format of the `safetensors` project).
///
/// ```
/// 8 bytes    length n of the header, little-endian
/// n bytes    {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
///            filled up with spaces, so that the data begin at a multiple of 8
/// the rest   the numbers: little-endian, row-major, tensor after tensor without gaps
/// ```
///
/// This one knows F32 only. A value of this type is consistent: sizes match shapes, tensors lie side by side, names
/// are unique.
public struct SafetensorsHeader: Equatable, Sendable {
    /// Bytes before the header.
    public static let lengthBytes = 8
    /// The format allows 100 MB; the largest model here needs 30 kB.
    public static let maxHeaderBytes = 1 << 20
    static let maxTensors = 4_096
    static let maxDimensions = 8
    static let metadataKey = "__metadata__"
    static let type = "F32"
    static let alignment = 8

    public struct Tensor: Equatable, Sendable {
        public let name: String
        public let shape: [Int]
        /// Its bytes, counted from the end of the header.
        public let bytes: Range<Int>

        /// Numbers in it.
        public var count: Int { bytes.count / 4 }
    }

    /// In the order of their data.
    public let tensors: [Tensor]
    public let metadata: [String: String]

    /// Lays out tensors one after the other.
    public init(tensors: [(name: String, shape: [Int])], metadata: [String: String]) {
        var end = 0
        self.tensors = tensors.map { name, shape in
            let begin = end
            end += 4 * shape.reduce(1, *)
            return Tensor(name: name, shape: shape, bytes: begin..<end)
        }
        self.metadata = metadata
    }

    init(checked tensors: [Tensor], metadata: [String: String]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    /// Bytes of all numbers.
    public var dataBytes: Int { tensors.last?.bytes.upperBound ?? 0 }

    /// Length and header, as a file begins.
    public var bytes: Bytes {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { "\(Self.quote($0.key)):\(Self.quote($0.value))" }
            members.append("\(Self.quote(Self.metadataKey)):{\(texts.joined(separator: ","))}")
        }
        for tensor in tensors {
            let shape = tensor.shape.map { "\($0)" }.joined(separator: ",")
            members.append(
                "\(Self.quote(tensor.name)):{\"dtype\":\"\(Self.type)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(tensor.bytes.lowerBound),\(tensor.bytes.upperBound)]}")
        }
        var json = Bytes("{\(members.joined(separator: ","))}".utf8)
        while json.count % Self.alignment != 0 { json.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Bytes($0) } + json
    }

    /// `text` as a JSON string (RFC 8259 §7).
    static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension SafetensorsHeader {
    /// How many bytes of header follow the first eight of a file.
    ///
    /// - Parameters:
    ///   - prefix: the first eight bytes, or the whole file if it has fewer.
    ///   - fileBytes: the size of the whole file.
    public static func length(_ prefix: Bytes, fileBytes: Int) throws(SafetensorsError) -> Int {
        guard prefix.count >= lengthBytes else { throw .tooShort(bytes: prefix.count) }
        let length = prefix.prefix(lengthBytes).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let limit = min(maxHeaderBytes, fileBytes - lengthBytes)
        guard length >= 2, length <= UInt64(limit) else { throw .headerLength(length, limit: limit) }
        return Int(length)
    }

    /// Reads a header and checks that it describes exactly the data behind it.
    ///
    /// - Parameters:
    ///   - json: the header without its length.
    ///   - dataBytes: how many bytes follow it.
    /// - Throws: ``SafetensorsError`` for everything that the format or this program does not allow.
    public init(parsing json: Bytes, dataBytes: Int) throws(SafetensorsError) {
        var parser = SafetensorsJSON(bytes: json)
        let (entries, metadata) = try parser.header()
        var tensors: [Tensor] = []
        for entry in entries {
            guard entry.type == Self.type else { throw .type(tensor: entry.name, found: entry.type) }
            // Within the bounds, since a range needs them in order.
            guard entry.begin <= entry.end else {
                throw .size(tensor: entry.name, found: entry.end - entry.begin, expected: 0)
            }
            var (expected, isOverflow) = (4, false)
            for length in entry.shape where !isOverflow {
                (expected, isOverflow) = expected.multipliedReportingOverflow(by: length)
            }
            guard !isOverflow, entry.end - entry.begin == expected else {
                throw .size(
                    tensor: entry.name, found: entry.end - entry.begin, expected: isOverflow ? .max : expected)
            }
            tensors.append(Tensor(name: entry.name, shape: entry.shape, bytes: entry.begin..<entry.end))
        }
        // The order of names is free, that of places is not. An empty tensor lies before what begins at its place.
        tensors.sort { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
        var end = 0
        for tensor in tensors {
            guard tensor.bytes.lowerBound == end else {
                throw .place(tensor: tensor.name, begin: tensor.bytes.lowerBound, expected: end)
            }
            end = tensor.bytes.upperBound
        }
        guard end == dataBytes else { throw .end(tensors: end, data: dataBytes) }
        self.init(checked: tensors, metadata: metadata)
    }
}
