internal import CCBOR
internal import Wire

/// Our decoder accepts exactly what libcbor accepts and would be written the same way again: the deterministic form of
/// what this protocol uses (integers in 64 bits, definite strings, arrays and maps, tags, booleans, null).
enum CBORComparison {
    /// Deeper than any message; libcbor recurses, too.
    private static let maxDepth = 32

    static func run(_ bytes: [UInt8]) -> Bool {
        var decoder = CBORDecoder(bytes)
        let isOurs: Bool
        do {
            try walk(&decoder, depth: 0)
            isOurs = true
        } catch is Incomparable {
            return false
        } catch {
            isOurs = false
        }
        let length = theirs(bytes)
        precondition(isOurs == (length != nil), "CBOR: one decoder accepts \(Hex.encode(bytes)), the other does not")
        precondition(!isOurs || decoder.position == length, "CBOR: two lengths of the item in \(Hex.encode(bytes))")
        return isOurs
    }

    /// Too deep, or a tag that libcbor 0.8 calls malformed because nobody had assigned it (6-20; ours is 18).
    private struct Incomparable: Error {}

    /// Reads one item of whatever kind.
    private static func walk(_ decoder: inout CBORDecoder, depth: Int) throws {
        guard let first = decoder.next else { throw CBORError.truncated(at: decoder.position) }
        guard depth < maxDepth, !(0xC6...0xD4).contains(first) else { throw Incomparable() }
        switch first >> 5 {
        case 0: _ = try decoder.uint()
        case 1: _ = try decoder.int()
        case 2: _ = try decoder.bytes(max: .max)
        case 3: _ = try decoder.text(max: .max)
        case 4:
            for _ in 0..<(try decoder.array(max: .max)) { try walk(&decoder, depth: depth + 1) }
        case 5:
            let pairs = Int(clamping: try argument(decoder))
            try decoder.map(exactly: pairs)
            for _ in 0..<pairs {
                try walk(&decoder, depth: depth + 1)
                try walk(&decoder, depth: depth + 1)
            }
        case 6:
            try decoder.tag(try argument(decoder))
            try walk(&decoder, depth: depth + 1)
        default:
            if try !decoder.null() { _ = try decoder.bool() }
        }
    }

    /// The number in the next head: what the decoder is then asked to expect.
    private static func argument(_ decoder: CBORDecoder) throws -> UInt64 {
        var head = Bytes(decoder.rest.prefix(9))
        head[0] &= 31
        var reader = CBORDecoder(head)
        return try reader.uint()
    }

    /// The length of the item if libcbor reads it and it is in the form that we write.
    private static func theirs(_ bytes: [UInt8]) -> Int? {
        guard !promisesTooMuch(bytes) else { return nil }
        var result = cbor_load_result()
        guard let item = cbor_load(bytes, bytes.count, &result) else { return nil }
        defer {
            var ending: UnsafeMutablePointer<cbor_item_t>? = item
            cbor_decref(&ending)
        }
        var encoder = CBOREncoder(reserving: bytes.count)
        guard write(item, &encoder), encoder.bytes.elementsEqual(bytes.prefix(result.read)) else { return nil }
        return result.read
    }

    /// Whether an array or a map in the first item promises more than there are bytes left: that is never well-formed, but libcbor
    /// makes room for all of it before it finds out, gigabytes for a head of five bytes.
    private static func promisesTooMuch(_ bytes: [UInt8]) -> Bool {
        /// Items to come at each depth; ``UInt64/max`` until a break.
        var open: [UInt64] = [1]
        var at = 0
        while let items = open.last {
            guard items > 0 else {
                open.removeLast()
                continue
            }
            guard at < bytes.count else { return false }
            let (major, info) = (bytes[at] >> 5, bytes[at] & 31)
            at += 1
            let isIndefinite = info == 31
            if major == 7, isIndefinite {
                guard items == .max else { return false }
                open.removeLast()
                continue
            }
            if items != .max { open[open.count - 1] -= 1 }
            var argument = UInt64(info)
            if (24...27).contains(info) {
                let width = 1 << Int(info - 24)
                guard at + width <= bytes.count else { return false }
                argument = bytes[at..<at + width].reduce(0) { $0 << 8 | UInt64($1) }
                at += width
            } else if (28...30).contains(info) {
                return false
            }
            let left = UInt64(bytes.count - at)
            switch major {
            case 2...5 where isIndefinite: open.append(.max)
            case 2, 3:
                guard argument <= left else { return false }
                at += Int(argument)
            case 4, 5:
                guard argument <= left / (major == 5 ? 2 : 1) else { return true }
                open.append(argument * (major == 5 ? 2 : 1))
            case 6: open.append(1)
            default: break
            }
        }
        return false
    }

    /// False for what the protocol has no form for.
    private static func write(_ item: UnsafeMutablePointer<cbor_item_t>, _ encoder: inout CBOREncoder) -> Bool {
        switch cbor_typeof(item) {
        case CBOR_TYPE_UINT: encoder.uint(cbor_get_int(item))
        case CBOR_TYPE_NEGINT:
            guard let magnitude = Int64(exactly: cbor_get_int(item)) else { return false }
            encoder.int(~magnitude)
        case CBOR_TYPE_BYTESTRING:
            guard cbor_bytestring_is_definite(item) else { return false }
            encoder.bytes(UnsafeBufferPointer(start: cbor_bytestring_handle(item), count: cbor_bytestring_length(item)))
        case CBOR_TYPE_STRING:
            guard cbor_string_is_definite(item),
                let text = String(
                    validating: UnsafeBufferPointer(start: cbor_string_handle(item), count: cbor_string_length(item)),
                    as: UTF8.self)
            else { return false }
            encoder.text(text)
        case CBOR_TYPE_ARRAY:
            guard cbor_array_is_definite(item) else { return false }
            let count = cbor_array_size(item)
            encoder.array(count)
            for place in 0..<count where !write(cbor_array_handle(item)[place]!, &encoder) { return false }
        case CBOR_TYPE_MAP:
            guard cbor_map_is_definite(item) else { return false }
            let count = cbor_map_size(item)
            encoder.map(count)
            for place in 0..<count {
                let pair = cbor_map_handle(item)[place]
                guard write(pair.key, &encoder), write(pair.value, &encoder) else { return false }
            }
        case CBOR_TYPE_TAG:
            encoder.tag(cbor_tag_value(item))
            var content = cbor_tag_item(item)
            defer { cbor_decref(&content) }
            return content.map { write($0, &encoder) } ?? false
        default:
            guard cbor_float_ctrl_is_ctrl(item) else { return false }
            if cbor_is_null(item) {
                encoder.null()
            } else if cbor_is_bool(item) {
                encoder.bool(cbor_get_bool(item))
            } else {
                return false
            }
        }
        return true
    }
}
