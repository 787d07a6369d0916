/// Rounds a row of integers to int8 or int16 with one power-of-two shift.
enum Quantizer {
    /// The smallest shift with which a value of this magnitude rounds into the precision.
    static func shift(magnitude: UInt64, _ precision: RowBlock.Precision) -> UInt8 {
        let bits = UInt64.bitWidth - magnitude.leadingZeroBitCount
        let shift = UInt8(max(0, bits - precision.bits))
        // 127.5 · 2^shift rounds up to 128, one too many.
        let fits = rounded(Int64(bitPattern: magnitude), shift) <= precision.limit
        return fits ? shift : shift + 1
    }

    /// value / 2^shift, to nearest, ties to even.
    @inline(__always)
    static func rounded(_ value: Int64, _ shift: UInt8) -> Int64 {
        guard shift > 0 else { return value }
        let shift = Int64(shift)
        let odd = (value >> shift) & 1
        return (value &+ (1 << (shift - 1)) &- 1 &+ odd) >> shift
    }

    /// The nearest whole number, ties to even.
    ///
    /// Adding 2^52 leaves no room for a fraction. The library's `rint` is a call where the processor's
    /// own instruction is not in the portable baseline; a branch on the sign would be guessed wrong half
    /// the time.
    @inline(__always)
    static func rounded(_ value: Double) -> Double {
        guard value.magnitude < 0x1p52 else { return value }
        let large = Double(signOf: value, magnitudeOf: 0x1p52)
        return (value + large) - large
    }

    /// One quantised row.
    struct Row {
        var shift: UInt8
        /// At most ±127 or ±32,767; all zero when the row was.
        var values: [Int16]
        /// What was cut off: row = values · 2^shift + residual.
        var residual: [Int64]
        /// Σ value² · 2^(2·shift), units of 2^-64.
        var squaredNorm: UInt128
    }

    /// - Parameters:
    ///   - row: values of at most 2^46 in magnitude, so that the shift stays within 40.
    ///   - coarser: how much larger the shift is than the smallest that fits.
    static func quantize(
        _ row: some Collection<Int64>, _ precision: RowBlock.Precision, coarser: UInt8 = 0
    ) -> Row {
        let fitting = shift(magnitude: row.lazy.map(\.magnitude).max() ?? 0, precision)
        let shift = min(fitting + coarser, Delta.maxShift)
        var result = Row(shift: shift, values: [], residual: [], squaredNorm: 0)
        result.values.reserveCapacity(row.count)
        result.residual.reserveCapacity(row.count)
        var squares: UInt64 = 0
        for value in row {
            let quantized = rounded(value, shift)
            squares &+= UInt64(quantized &* quantized)
            result.values.append(Int16(truncatingIfNeeded: quantized))
            result.residual.append(value &- quantized &<< Int64(shift))
        }
        result.squaredNorm = UInt128(squares) << (2 * UInt128(shift))
        return result
    }
}
