public import Identity
internal import Learning
public import Wire

/// What the deltas of one log are judged by: the model, and the rows that the log has announced.
public struct DeltaGround: Sendable {
    public let spec: ModelSpec
    /// In the order of announcement; later ones do not matter to earlier deltas.
    public let rows: [TokenID]

    public init(spec: ModelSpec, rows: [TokenID]) {
        self.spec = spec
        self.rows = rows
    }
}

/// The sums of some deltas of one log, beside the models: they are certified, and travel in place of the deltas.
///
/// Whoever has the same deltas gets the same bytes, in whatever order they were added.
public struct DeltaSums: Sendable {
    public private(set) var models: [ModelID: Accumulators] = [:]
    private let grounds: [ModelID: DeltaGround]

    /// - Parameter grounds: of all models that the log may have trained.
    public init(grounds: [ModelID: DeltaGround]) { self.grounds = grounds }

    /// Adds the body of a delta. Costs what merging it does.
    ///
    /// - Throws: ``FederationError`` for a body that cannot have been merged.
    public mutating func add(body: Bytes) throws(FederationError) {
        let delta = try Delta(body: body)
        guard let ground = grounds[delta.model] else { throw .unknownModel(delta.model) }
        let judged = try ground.spec.judge(delta, announcedRows: ground.rows.count)
        var sums = models.removeValue(forKey: delta.model) ?? Accumulators(shape: ground.spec.shape)
        sums.apply(judged, rowNames: ground.rows)
        models[delta.model] = sums
    }
}

/// The one form of sums as bytes, of those that are not zero alone.
///
/// ```
/// sums   = model …                                                  ascending by id
/// model  = id:32B, uint count, (uint tensor, line …) …, uint count, (token:16B, line) …       both ascending
/// line   = 64                                                       all zero; only between other rows of a tensor
///        | shift:1B, value …                                        sum = value · 2^shift; the largest shift that all allow
/// value  = zigzag LEB128, shortest form                             uint: LEB128, shortest form
/// ```
/// A tensor has all its rows, a token one line of `dim` values. About 2 to 3 bytes a weight for some hundred deltas: one
/// digit a value, some for their number, and their shifts differ.
extension DeltaSums {
    private static let zeroLine: UInt8 = 64

    /// Empty when everything adds up to zero.
    public func encode() -> Bytes {
        var bytes = Bytes()
        for id in models.keys.sorted() { Self.encode(models[id]!, id, into: &bytes) }
        return bytes
    }

    private static func encode(_ sums: Accumulators, _ id: ModelID, into bytes: inout Bytes) {
        let tokens = sums.nonzeroTokens
        let tensors = sums.tensors.indices.filter { sums.tensors[$0].values.contains { $0 != 0 } }
        guard !tokens.isEmpty || !tensors.isEmpty else { return }
        bytes += id.bytes
        LEB128.append(UInt64(tensors.count), to: &bytes)
        for tensor in tensors {
            LEB128.append(UInt64(tensor), to: &bytes)
            let columns = sums.layout.tensors[tensor].spec.columns
            let values = sums.tensors[tensor].values
            for start in stride(from: 0, to: values.count, by: columns) {
                append(values[start..<start + columns], to: &bytes)
            }
        }
        LEB128.append(UInt64(tokens.count), to: &bytes)
        for token in tokens {
            bytes += token.bytes
            append(sums.row(token)[...], to: &bytes)
        }
    }

    private static func append(_ line: some Collection<Int64>, to bytes: inout Bytes) {
        let shift = line.reduce(0) { $0 | $1 }.trailingZeroBitCount
        bytes.append(UInt8(shift))
        guard shift < zeroLine else { return }
        for value in line { LEB128.append(LEB128.zigzag(value >> Int64(shift)), to: &bytes) }
    }

    /// Reads sums back, strictly: there is one form of each.
    ///
    /// - Parameter spec: of a model; nil for one that is not known.
    /// - Throws: ``FederationError``. Costs O(bytes); allocates what the shapes of the named models need.
    public static func decode(
        _ bytes: Bytes, spec: (ModelID) -> ModelSpec?
    ) throws(FederationError) -> [ModelID: Accumulators] {
        var reader = SumsReader(bytes)
        var models: [ModelID: Accumulators] = [:]
        var last: ModelID?
        while !reader.isAtEnd {
            let id = ModelID(try reader.bytes(32))!
            guard last.map({ $0 < id }) ?? true else { throw reader.fault("models do not ascend") }
            guard let spec = spec(id) else { throw .unknownModel(id) }
            models[id] = try reader.sums(spec)
            last = id
        }
        return models
    }

    fileprivate static func isZeroLine(_ byte: UInt8) -> Bool { byte == zeroLine }
}

/// A cursor over the bytes of sums.
private struct SumsReader {
    private let input: Bytes
    private var at = 0
    var isAtEnd: Bool { at == input.count }

    init(_ input: Bytes) { self.input = input }

    func fault(_ wanted: String) -> FederationError {
        .malformed(body: .sums, .unexpected(at: at, wanted: wanted))
    }

    mutating func bytes(_ count: Int) throws(FederationError) -> ArraySlice<UInt8> {
        guard input.count - at >= count else { throw fault("\(count) bytes more") }
        defer { at += count }
        return input[at..<at + count]
    }

    private mutating func uint() throws(FederationError) -> UInt64 {
        guard let value = LEB128.read(input, &at) else { throw fault("a number in its shortest form") }
        return value
    }

    private mutating func count(upTo most: Int) throws(FederationError) -> Int {
        let value = try uint()
        guard value <= UInt64(most) else { throw fault("at most \(most)") }
        return Int(value)
    }

    mutating func sums(_ spec: ModelSpec) throws(FederationError) -> Accumulators {
        var sums = Accumulators(shape: spec.shape)
        let tensors = sums.layout.tensors
        var next = 0
        let dense = try count(upTo: tensors.count)
        for _ in 0..<dense {
            let tensor = try count(upTo: tensors.count - 1)
            guard tensor >= next else { throw fault("tensors that ascend") }
            next = tensor + 1
            let shape = tensors[tensor].spec
            var values: [Int64] = []
            for _ in 0..<shape.rows { values += try line(shape.columns, mayBeZero: true) }
            guard values.contains(where: { $0 != 0 }) else { throw fault("a tensor that is not zero") }
            sums.setSums(tensor: tensor, values)
        }
        // Each takes 17 bytes at least, which bounds what is read before it is there.
        let rows = try count(upTo: (input.count - at) / 17)
        guard dense + rows > 0 else { throw fault("a model with sums") }
        var last: TokenID?
        for _ in 0..<rows {
            let token = TokenID(try bytes(16))!
            guard last.map({ $0 < token }) ?? true else { throw fault("tokens that ascend") }
            last = token
            sums.setSums(row: token, try line(spec.shape.dim, mayBeZero: false))
        }
        return sums
    }

    private mutating func line(_ columns: Int, mayBeZero: Bool) throws(FederationError) -> [Int64] {
        let shift = try bytes(1).first!
        if DeltaSums.isZeroLine(shift) {
            guard mayBeZero else { throw fault("a row that is not zero") }
            return Array(repeating: 0, count: columns)
        }
        guard shift < 64 else { throw fault("a shift") }
        var values: [Int64] = []
        values.reserveCapacity(columns)
        var bits: Int64 = 0
        for _ in 0..<columns {
            let value = LEB128.unzigzag(try uint())
            let sum = value << Int64(shift)
            guard sum >> Int64(shift) == value else { throw fault("a sum of 64 bits") }
            bits |= value
            values.append(sum)
        }
        guard bits & 1 == 1 else { throw fault("the largest shift") }
        return values
    }
}

/// Numbers of 64 bits in groups of seven, the lowest first, in their shortest form.
enum LEB128 {
    static func append(_ value: UInt64, to bytes: inout Bytes) {
        var rest = value
        while rest > 127 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Nil at the end of the input, for a longer form, and beyond 64 bits; `at` is behind the number else.
    static func read(_ bytes: Bytes, _ at: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var digits: UInt64 = 0
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            guard digits < 63 || byte <= 1 else { return nil }
            value |= UInt64(byte & 127) << digits
            guard byte > 127 else { return byte == 0 && digits > 0 ? nil : value }
            digits += 7
        }
        return nil
    }

    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }
    static func unzigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
}
