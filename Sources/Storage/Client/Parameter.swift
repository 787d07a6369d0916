public import Wire

/// PostgreSQL's type numbers, as far as this room speaks them (`pg_type.dat`).
enum TypeID {
    static let bool: UInt32 = 16
    static let bytes: UInt32 = 17
    static let name: UInt32 = 19
    static let int64: UInt32 = 20
    static let int16: UInt32 = 21
    static let int32: UInt32 = 23
    static let text: UInt32 = 25
    static let float: UInt32 = 700
    static let double: UInt32 = 701
    static let bools: UInt32 = 1000
    static let bytesArray: UInt32 = 1001
    static let int16s: UInt32 = 1005
    static let int32s: UInt32 = 1007
    static let texts: UInt32 = 1009
    static let int64s: UInt32 = 1016
    static let doubles: UInt32 = 1022
    static let varchar: UInt32 = 1043
    static let uuid: UInt32 = 2950
    static let uuids: UInt32 = 2951
}

/// A statement's `$n`, sent in PostgreSQL's binary format.
public enum Parameter: Equatable, Sendable {
    case null
    case bool(Bool)
    case int16(Int16)
    case int32(Int32)
    case int64(Int64)
    case double(Double)
    case text(String)
    case bytes(Bytes)
    /// 16 bytes, big-endian: a ``TokenID``.
    case uuid(UInt128)
    case bools([Bool])
    case int16s([Int16])
    case int32s([Int32])
    case int64s([Int64])
    case doubles([Double])
    case texts([String])
    case optionalTexts([String?])
    case bytesArray([Bytes])
    case uuids([UInt128])

    public static func text(_ value: String?) -> Parameter { value.map { .text($0) } ?? .null }
    public static func bytes(_ value: Bytes?) -> Parameter { value.map { .bytes($0) } ?? .null }
    public static func uuid(_ value: UInt128?) -> Parameter { value.map { .uuid($0) } ?? .null }
    public static func double(_ value: Double?) -> Parameter { value.map { .double($0) } ?? .null }
    public static func int64(_ value: Int64?) -> Parameter { value.map { .int64($0) } ?? .null }

    /// The type number; 0 lets the server infer it.
    var type: UInt32 {
        switch self {
        case .null: 0
        case .bool: TypeID.bool
        case .int16: TypeID.int16
        case .int32: TypeID.int32
        case .int64: TypeID.int64
        case .double: TypeID.double
        case .text: TypeID.text
        case .bytes: TypeID.bytes
        case .uuid: TypeID.uuid
        case .bools: TypeID.bools
        case .int16s: TypeID.int16s
        case .int32s: TypeID.int32s
        case .int64s: TypeID.int64s
        case .doubles: TypeID.doubles
        case .texts, .optionalTexts: TypeID.texts
        case .bytesArray: TypeID.bytesArray
        case .uuids: TypeID.uuids
        }
    }

    /// Appends the value, without a length.
    func encode(into out: inout BinaryWriter) throws(StorageError) {
        switch self {
        case .null: break
        case .bool(let value): out.raw(value ? 1 as UInt8 : 0)
        case .int16(let value): out.raw(value)
        case .int32(let value): out.raw(value)
        case .int64(let value): out.raw(value)
        case .double(let value): out.raw(value.bitPattern)
        case .text(let value): try out.rawText(value)
        case .bytes(let value): out.raw(contentsOf: value)
        case .uuid(let value): out.raw(value)
        case .bools(let values): out.array(of: TypeID.bool, values.lazy.map { $0 ? 1 as UInt8 : 0 })
        case .int16s(let values): out.array(of: TypeID.int16, values)
        case .int32s(let values): out.array(of: TypeID.int32, values)
        case .int64s(let values): out.array(of: TypeID.int64, values)
        case .doubles(let values): out.array(of: TypeID.double, values.lazy.map(\.bitPattern))
        case .uuids(let values): out.array(of: TypeID.uuid, values)
        case .texts(let values):
            out.arrayHeader(of: TypeID.text, count: values.count)
            for value in values { try out.text(value) }
        case .bytesArray(let values):
            out.arrayHeader(of: TypeID.bytes, count: values.count)
            for value in values { out.bytes(value) }
        case .optionalTexts(let values):
            out.arrayHeader(of: TypeID.text, count: values.count, hasNull: values.contains(nil))
            for value in values {
                if let value { try out.text(value) } else { out.null() }
            }
        }
    }
}
