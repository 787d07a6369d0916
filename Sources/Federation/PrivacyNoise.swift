internal import Learning

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
            let factor = (-2 * naturalLogarithm(square) / square).squareRoot()
            spare = y * factor
            return x * factor
        }
    }

    /// Within -1 ..< 1.
    private static func uniform(_ generator: inout some RandomNumberGenerator) -> Double {
        Double(Int64(bitPattern: generator.next()) >> 10) * 0x1p-53
    }
}
