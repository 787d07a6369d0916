import Learning
import Testing
import Wire

/// Reads a whole file as a caller does.
private func read(_ file: Bytes) throws -> (header: SafetensorsHeader, data: Bytes) {
    let length = try SafetensorsHeader.length(Bytes(file.prefix(8)), fileBytes: file.count)
    let data = Bytes(file.dropFirst(8 + length))
    return (try SafetensorsHeader(parsing: Bytes(file[8..<8 + length]), dataBytes: data.count), data)
}

/// A file with this header and so many bytes behind it.
private func file(_ json: String, data: Int) -> Bytes {
    withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Bytes($0) } + Bytes(json.utf8)
        + Bytes(repeating: 0, count: data)
}

private func refusal(_ bytes: Bytes) -> SafetensorsError? {
    do {
        _ = try read(bytes)
        return nil
    } catch {
        return error as? SafetensorsError
    }
}

@Suite struct SafetensorsTests {
    static let shape = try! ModelShape.beyondDefaults(dim: 8, heads: 2, layers: 2, context: 4)

    /// Weights of which every number is another, and their file.
    static func written(metadata: [String: String] = [:]) -> (parameters: Parameters, file: WeightsFile, bytes: Bytes) {
        let parameters = Parameters.initial(shape: shape, vocabulary: 5, seed: 3)
        let file = WeightsFile(shape: shape, vocabulary: 5, metadata: metadata)
        let data = file.header.tensors.flatMap { file.data(of: $0, in: parameters) }
        return (parameters, file, file.header.bytes + data)
    }

    @Test func `weights come back to the bit, metadata to the letter`() throws {
        let said = ["agent": "a \"quoted\"\n\\ name\u{1}", "network": "ü 🐟"]
        let (parameters, file, bytes) = Self.written(metadata: said)
        let (header, data) = try read(bytes)
        #expect(header == file.header)
        #expect(said.allSatisfy { header.metadata[$0.key] == $0.value } && header.metadata["dim"] == "8")
        let found = try WeightsFile(header, shape: Self.shape)
        #expect(try found.parameters { Bytes(data[$0]) } == parameters)
        #expect((bytes.count - data.count).isMultiple(of: 8), "the data are aligned")
    }

    @Test func `tensors have the names and orientation of the documentation`() {
        let shapes = Dictionary(uniqueKeysWithValues: Self.written().file.header.tensors.map { ($0.name, $0.shape) })
        #expect(shapes["token_emb"] == [5, 8] && shapes["pos_emb"] == [4, 8] && shapes["final_norm"] == [8])
        for layer in 0..<2 {
            for name in ["q_proj", "k_proj", "v_proj", "o_proj"] {
                #expect(shapes["layers.\(layer).\(name)"] == [8, 8])
            }
            #expect(shapes["layers.\(layer).ff_up"] == [8, 32] && shapes["layers.\(layer).ff_down"] == [32, 8])
            #expect(shapes["layers.\(layer).norm1"] == [8] && shapes["layers.\(layer).norm2"] == [8])
        }
        #expect(shapes.count == 3 + 2 * 8)
    }

    @Test func `the order of names in the header is free, and spaces are allowed`() throws {
        let json = """
            {"b":{"data_offsets":[8, 12], "shape":[], "dtype":"F32"} ,
             "__metadata__": {"k\\u00fc\\ud83d\\udc1f":"\\/v\\t"}, "e":{"dtype":"F32","shape":[0,7],"data_offsets":[8,8]},
             "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}\u{20}\u{20}
            """
        let header = try read(file(json, data: 12)).header
        #expect(header.tensors.map(\.name) == ["a", "e", "b"])
        #expect(header.tensors.map(\.count) == [2, 0, 1], "no dimension is one number")
        #expect(header.metadata == ["kü🐟": "/v\t"])
    }

    @Test func `a file that ends anywhere else is refused`() {
        let bytes = Self.written().bytes
        for length in 0..<bytes.count where length < 600 || length % 97 == 0 || length > bytes.count - 9 {
            #expect(refusal(Bytes(bytes.prefix(length))) != nil, "\(length)")
        }
        let data = 4 * (5 * 8 + Self.shape.denseCount)
        #expect(refusal(bytes + [0]) == .end(tensors: data, data: data + 1))
    }

    @Test(arguments: [.max, 1 << 63, 1 << 40, (1 << 20) + 1, 1, 0] as [UInt64])
    func `a header's length is bounded before it is believed`(length: UInt64) {
        let bytes = withUnsafeBytes(of: length.littleEndian) { Bytes($0) } + Bytes("{}".utf8)
        #expect(refusal(bytes) == .headerLength(length, limit: 2))
    }

    private static func tensor(_ begin: Int, _ end: Int, _ shape: String, type: String = "F32") -> String {
        "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
    }

    @Test func `tensors that overlap, leave gaps or do not fill the file are refused`() {
        func refused(_ a: (Int, Int, String), _ b: (Int, Int, String), data: Int = 16) -> SafetensorsError? {
            refusal(
                file("{\"a\":\(Self.tensor(a.0, a.1, a.2)),\"b\":\(Self.tensor(b.0, b.1, b.2))}", data: data))
        }
        #expect(refused((0, 8, "[2]"), (8, 16, "[2]")) == nil)
        #expect(refused((8, 16, "[2]"), (0, 8, "[2]")) == nil)
        #expect(refused((0, 8, "[2]"), (4, 12, "[2]")) == .place(tensor: "b", begin: 4, expected: 8))
        #expect(refused((0, 8, "[2]"), (0, 8, "[2]")) == .place(tensor: "b", begin: 0, expected: 8))
        #expect(refused((0, 4, "[1]"), (8, 16, "[2]")) == .place(tensor: "b", begin: 8, expected: 4))
        #expect(refused((4, 8, "[1]"), (8, 16, "[2]")) == .place(tensor: "a", begin: 4, expected: 0))
        #expect(refused((0, 8, "[2]"), (8, 12, "[1]")) == .end(tensors: 12, data: 16))
        #expect(refused((0, 8, "[2]"), (8, 24, "[4]")) == .end(tensors: 24, data: 16))
        #expect(refused((8, 0, "[2]"), (8, 16, "[2]")) == .size(tensor: "a", found: -8, expected: 0))
        #expect(refused((0, 8, "[3]"), (8, 16, "[2]")) == .size(tensor: "a", found: 8, expected: 12))
        let huge = "[1000000000,1000000000,1000000000]"
        #expect(refused((0, 8, huge), (8, 16, "[2]")) == .size(tensor: "a", found: 8, expected: .max))
    }

    @Test(arguments: [
        "", "[]", " {}", "{", "{}x", "{\"a\"}", "{\"a\":1}", "{\"a\":{}}", "{\"a\":{\"dtype\":\"F32\"}}",
        "{\"__metadata__\":{\"a\":1}}", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}",
        "{\"__metadata__\":{},\"__metadata__\":{}}", "{\"__metadata__\":null}", "{\"\\ud800\":{}}", "{\"\\x\":{}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,99999999999999999999]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
    ])
    func `a header that is not strictly what the format says is refused`(json: String) {
        #expect(refusal(file(json, data: 4)) != nil)
    }

    @Test func `what would be too large is refused, and another type by its name`() {
        let many = (0..<4_097).map { "\"t\($0)\":\(Self.tensor(0, 0, "[0]"))" }.joined(separator: ",")
        #expect(refusal(file("{\(many)}", data: 0)) == .tooLarge(what: "tensors", found: 4_097, limit: 4_096))
        let deep = Self.tensor(0, 4, "[1,1,1,1,1,1,1,1,1]")
        #expect(refusal(file("{\"a\":\(deep)}", data: 4)) == .tooLarge(what: "dimensions", found: 9, limit: 8))
        let long = String(repeating: "n", count: 300)
        #expect(
            refusal(file("{\"\(long)\":{}}", data: 4)) == .tooLarge(what: "bytes in one text", found: 257, limit: 256))
        let half = Self.tensor(0, 4, "[2]", type: "BF16")
        #expect(refusal(file("{\"a\":\(half)}", data: 4)) == .type(tensor: "a", found: "BF16"))
    }

    @Test func `no byte of the header can be changed without being noticed or harmless`() {
        let (_, file, bytes) = Self.written()
        var random = Random(seed: 5)
        let headerBytes = file.header.bytes.count
        for at in 0..<headerBytes {
            var changed = bytes
            changed[at] ^= UInt8(1 + random.below(255))
            guard let (header, _) = try? read(changed) else { continue }
            // What is still well formed has other names or texts, never other places.
            #expect(header.dataBytes == file.header.dataBytes)
        }
    }

    @Test func `weights of another model are refused by what differs`() throws {
        let (_, file, bytes) = Self.written()
        func refused(_ shape: ModelShape, _ header: SafetensorsHeader? = nil) throws -> SafetensorsError? {
            let header = try header ?? read(bytes).header
            return #expect(throws: SafetensorsError.self) { try WeightsFile(header, shape: shape) }
        }
        func other(heads: Int = 2, layers: Int = 2, context: Int = 4, dim: Int = 8) throws -> ModelShape {
            try .beyondDefaults(dim: dim, heads: heads, layers: layers, context: context)
        }
        #expect(try refused(other(dim: 4)) == .shape(tensor: "token_emb", found: [5, 8], expected: [5, 4]))
        #expect(try refused(other(heads: 4)) == .foreign(field: "heads", found: "2", expected: "4"))
        #expect(try refused(other(layers: 1)) == .foreign(field: "layers", found: "2", expected: "1"))

        var tensors = file.header.tensors.map { (name: $0.name, shape: $0.shape) }
        func without(_ change: (inout [(name: String, shape: [Int])]) -> Void) -> SafetensorsHeader {
            var tensors = tensors
            change(&tensors)
            return SafetensorsHeader(tensors: tensors, metadata: [:])
        }
        #expect(try WeightsFile(without { _ in }, shape: Self.shape).vocabulary == 5, "metadata are not needed")
        #expect(try WeightsFile(without { $0.reverse() }, shape: Self.shape).vocabulary == 5)
        #expect(
            try refused(Self.shape, without { $0.removeAll { $0.name == "layers.1.o_proj" } })
                == .missing(tensor: "layers.1.o_proj"))
        #expect(
            try refused(Self.shape, without { $0.removeAll { $0.name == "token_emb" } })
                == .missing(tensor: "token_emb"))
        #expect(try refused(Self.shape, without { $0.append(("lm_head", [5, 8])) }) == .unknown(tensor: "lm_head"))
        tensors[3].shape = [64]
        #expect(
            try refused(Self.shape, without { _ in })
                == .shape(tensor: tensors[3].name, found: [64], expected: [8, 8]))
    }

    @Test(arguments: [.nan, .infinity, -.infinity, .signalingNaN] as [Float])
    func `a value that is no finite number is refused by its place`(bad: Float) throws {
        let (_, file, bytes) = Self.written()
        let (header, data) = try read(bytes)
        let norm = try #require(file.header.tensors.first { $0.name == "layers.1.norm2" })
        var changed = data
        withUnsafeBytes(of: bad.bitPattern.littleEndian) {
            changed.replaceSubrange(norm.bytes.lowerBound + 12..<norm.bytes.lowerBound + 16, with: $0)
        }
        #expect(throws: SafetensorsError.notFinite(tensor: "layers.1.norm2", index: 3)) {
            try WeightsFile(header, shape: Self.shape).parameters { Bytes(changed[$0]) }
        }
    }
}
