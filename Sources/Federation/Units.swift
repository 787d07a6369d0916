/// The integer units of every weight: an `Int64` counts 2^-32.
///
/// Integer addition is a group, so deltas can be merged in any order and subtracted exactly
/// (design §6). The range is ±2^31; a weight beyond ±100 is already absurd.
public enum Units {
    /// Binary digits behind the point.
    public static let fractionBits = 32
    /// The weight 1.
    public static let one: Int64 = 1 << 32

    /// The nearest `Float`: one correctly rounded conversion, then an exact power of two, hence the
    /// same bits on every processor.
    @inline(__always)
    public static func float(_ units: Int64) -> Float { Float(units) * 0x1p-32 }
}
