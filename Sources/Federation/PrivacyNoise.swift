/// Normally distributed numbers by the polar method (Marsaglia and Bray 1964).
///
/// From 53 random bits each: beyond about twelve standard deviations there is nothing, which is less than any δ. The
/// values that are sent are whole numbers or rounded ones, so that the grid of `Double` shows nothing of what is
/// below the noise (Mironov 2012): rounding comes after the noise, and depends on nothing else.
struct Gaussian {
    private var spare: Double?

    /// Mean 0, standard deviation 1.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        while true {
            let x = Self.uniform(&generator)
            let y = Self.uniform(&generator)
            let square = x * x + y * y
            guard square > 0, square < 1 else { continue }
            let factor = (-2 * logarithm(square) / square).squareRoot()
            spare = y * factor
            return x * factor
        }
    }

    /// Within -1 ..< 1.
    private static func uniform(_ generator: inout some RandomNumberGenerator) -> Double {
        Double(Int64(bitPattern: generator.next()) >> 10) * 0x1p-53
    }
}

/// The natural logarithm of a positive finite number, relative error below 1e-15.
///
/// x = m·2^e with m near 1, and ln m = 2 artanh((m-1)/(m+1)): the core has no libm.
func logarithm(_ x: Double) -> Double {
    precondition(x > 0 && x.isFinite, "only positive numbers have a logarithm")
    var (mantissa, exponent) = (x.significand, Double(x.exponent))
    if mantissa > 1.414_213_562_373_095 {
        mantissa /= 2
        exponent += 1
    }
    let ratio = (mantissa - 1) / (mantissa + 1)
    let square = ratio * ratio
    // |ratio| < 0.172: the terms left out are below 1e-17 of the sum.
    var sum = 0.0
    for degree in stride(from: 21.0, through: 1.0, by: -2.0) { sum = sum * square + 1 / degree }
    return 2 * ratio * sum + exponent * 0.693_147_180_559_945_3
}
