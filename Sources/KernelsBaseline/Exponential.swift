// exp and log as polynomials: the same results whatever the system's libm says, and in lanes.

private let log2OfE: Float = 1.442_695_04
/// ln 2 in two parts: the high one has few bits, so that n · high is exact.
private let ln2High: Float = 0.693_359_375
private let ln2Low: Float = -2.121_944_4e-4
/// 1.5 · 2^23: adding it rounds to a whole number, which then stands in the low bits.
private let roundingMagic: Float = 12_582_912

/// e^x within 2 units in the last place for x in -87 ... 88; below -87 as at -87. No more than 88 may come.
///
/// Range reduction x = n·ln 2 + r, then a polynomial of degree 6 in r (Cephes, `expf`).
@inline(__always)
func exponential(_ x: Lanes) -> Lanes {
    let x = larger(x, Lanes(repeating: -87))
    let shifted = multiplyAdd(x, Lanes(repeating: log2OfE), Lanes(repeating: roundingMagic))
    let n = shifted - roundingMagic
    var r = multiplyAdd(n, Lanes(repeating: -ln2High), x)
    r = multiplyAdd(n, Lanes(repeating: -ln2Low), r)
    var p = Lanes(repeating: 1.987_569_15e-4)
    p = multiplyAdd(p, r, Lanes(repeating: 1.398_199_95e-3))
    p = multiplyAdd(p, r, Lanes(repeating: 8.333_451_9e-3))
    p = multiplyAdd(p, r, Lanes(repeating: 4.166_579_6e-2))
    p = multiplyAdd(p, r, Lanes(repeating: 1.666_666_55e-1))
    p = multiplyAdd(p, r, Lanes(repeating: 5.000_000_1e-1))
    p = multiplyAdd(p, r * r, r) + 1
    let exponent = unsafeBitCast(shifted, to: Words.self) &<< 23
    return unsafeBitCast(unsafeBitCast(p, to: Words.self) &+ exponent, to: Lanes.self)
}

/// The same for one number.
@inline(__always)
func exponential(_ x: Float) -> Float { exponential(Lanes(repeating: x))[0] }

/// ln x for normal positive x, within 1e-6 relative or absolute.
///
/// x = 2^n·m with m in √½ ... √2, then 2·artanh((m-1)/(m+1)).
@inline(__always)
func logarithm(_ x: Float) -> Float {
    var bits = x.bitPattern
    bits &+= 0x3F80_0000 &- 0x3F35_04F3
    let n = Float(Int32(bits >> 23) &- 127)
    let m = Float(bitPattern: (bits & 0x007F_FFFF) &+ 0x3F35_04F3)
    let s = (m - 1) / (m + 1)
    let z = s * s
    let series = ((z * (1 / 9) + 1 / 7) * z + 1 / 5) * z + 1 / 3
    return n * 0.693_147_18 + 2 * s * (1 + z * series)
}
